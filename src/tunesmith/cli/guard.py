"""How a command that fails ends: one sentence, an exit code, and nothing lost."""

from __future__ import annotations

import io
import os
import shlex
import sys
import traceback
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from tunesmith.cli.frame import in_readers_words
from tunesmith.errors import TunesmithError
from tunesmith.texts import Message, in_turn, msg, tr, with_remedy

FAILED, USAGE, UNEXPECTED, INTERRUPTED = 1, 2, 70, 130
"""Exit codes: a failure the user can act on, a wrong command line, a bug, Ctrl-C."""

# Typer keeps the base of its usage errors private (it comes from click in some releases, from itself in others).
_CommandLineError: Any = typer.BadParameter.__mro__[2]
_PATH_ERRORS = ("Symlink loop from", "Could not determine home directory", "embedded null byte")
"""How Python begins to tell of paths that no file can have; elsewhere these exceptions would be a bug."""
_AGAIN = msg("the same command goes on from there")
_working_on: list[tuple[Path, Message]] = []


class StoppedError(Exception):
    """Ctrl-C; carried as an ordinary exception because Typer turns KeyboardInterrupt into a bare exit code."""


class Verb(TyperCommand):
    """Typer's command, with its help in the reader's language."""

    def get_help(self, ctx: Any) -> str:
        """The help as it is printed."""
        return in_readers_words(super().get_help(ctx))


class Verbs(TyperGroup):
    """Typer's group of verbs, except that Ctrl-C reaches :func:`explain`, with its help in the reader's language."""

    def get_help(self, ctx: Any) -> str:
        """The help as it is printed."""
        return in_readers_words(super().get_help(ctx))

    def invoke(self, ctx: Any) -> Any:
        """Run the verb."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise StoppedError from error


def working_on(folder: Path, again: Message = _AGAIN) -> None:
    """Remember the run folder of this command, and how to go on, so that an interruption can say what is kept."""
    _working_on[:] = [(folder, again)]


def typed() -> str:
    """The command as the user typed it, for the record."""
    return shlex.join(["tunesmith", *sys.argv[1:]])


def explain(error: BaseException, *, debug: bool) -> int:
    """Tell the user what went wrong, in one sentence on standard error.

    Args:
        error: What ended the command.
        debug: Print the traceback too.

    Returns:
        The exit code.
    """
    if isinstance(error, BrokenPipeError):  # `tunesmith presets | head` is no failure
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if isinstance(error, _CommandLineError):
        said = io.StringIO()
        error.show(said)
        print(in_readers_words(said.getvalue()), end="", file=sys.stderr)  # noqa: T201
        code: int = error.exit_code
        return code
    if debug:
        traceback.print_exception(error)
    if isinstance(error, StoppedError | KeyboardInterrupt | typer.Abort):
        kept = _kept()
        print(tr("stopped. {kept}", kept=kept) if kept else tr("stopped."), file=sys.stderr)  # noqa: T201
        return INTERRUPTED
    code, sentence = _sentence(error)
    print(tr("error: {said}", said=sentence), file=sys.stderr)  # noqa: T201
    return code


def _sentence(error: BaseException) -> tuple[int, Message]:
    if isinstance(error, TunesmithError):
        return getattr(error, "exit_code", FAILED), error.message
    if refused := _refused_by_system(error):
        return FAILED, refused.message
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        remedy = msg(
            "Lower train.batch_size or data.max_seconds, or set train.gradient_checkpointing=true. "
            "See `tunesmith plan`."
        )
        return FAILED, with_remedy(msg("there is not enough memory"), remedy)
    return _unforeseen(error)


def _unforeseen(error: BaseException) -> tuple[int, Message]:
    first = (str(error).splitlines() or [""])[0][:300]
    if isinstance(error, RuntimeError | ValueError) and first.startswith(_PATH_ERRORS):
        return FAILED, with_remedy(msg("a path leads nowhere ({reason})", reason=first), msg("Check the path."))
    what = f"{type(error).__name__}: {first}" if first else type(error).__name__
    if kept := _kept():
        return UNEXPECTED, msg(
            "something unforeseen happened ({error}). {kept} Run again with --debug to see where.",
            error=what,
            kept=kept,
        )
    return UNEXPECTED, msg("something unforeseen happened ({error}). Run again with --debug to see where.", error=what)


def _refused_by_system(error: BaseException) -> TunesmithError | None:
    from tunesmith.files import DiskFullError, explain_os_error, is_disk_full

    where = str(getattr(error, "filename", None) or ".")
    if is_disk_full(error):
        return DiskFullError(where)
    return explain_os_error(error, Path(where)) if isinstance(error, OSError) and error.errno is not None else None


def _kept() -> Message | None:
    if not _working_on:
        return None
    folder, again = _working_on[0]
    states = [path for path in (folder / "stages").glob("*.json") if "." not in path.stem]
    stages = sorted(path.stem for path in states if '"status": "done"' in path.read_text("utf-8", errors="replace"))
    checkpoints = sorted(path.name for path in (folder / "checkpoints").glob("step-*"))
    kept = [msg("finished stages: {stages}", stages=tuple(stages))] if stages else []
    kept += [msg("newest checkpoint: {checkpoint}", checkpoint=checkpoints[-1])] if checkpoints else []
    finished = in_turn(kept or [msg("no stage yet")])
    return msg("What was finished is kept in {folder} ({kept}); {again}.", folder=folder, kept=finished, again=again)
