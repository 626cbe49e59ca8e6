"""A listening test: the page of blind pairs, and what the votes that come back say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tunesmith.errors import TunesmithError
from tunesmith.files import DamagedFileError, explain_os_error, write_text
from tunesmith.records.listening_key import ListeningKey
from tunesmith.run.context import RunContext
from tunesmith.run.folder import find_run
from tunesmith.stages.writing import writing
from tunesmith.texts import all_of, msg

LARGE_MB = 15
"""A page above this is refused by some mail."""


def make_page(
    context: RunContext,
    others: Sequence[str] = (),
    *,
    out: Path | None = None,
    seed: int = 0,
    prompts: int | None = None,
    force: bool = False,
) -> Path:
    """Write the page, and the key that it hides into the run folder.

    Args:
        context: The run that keeps the key; its adapter is heard.
        others: Further runs whose adapters are heard.
        out: Where the page goes; into the run folder by default.
        seed: Decides sides, order and repeats.
        prompts: Most prompts.
        force: Replace a file that is no page of a listening test.

    Returns:
        The path of the page.

    Raises:
        TunesmithError: when there is nothing to hear, or the page would replace a file that is not one of ours.
    """
    from tunesmith.report.listening.choose import contest
    from tunesmith.report.listening.page import build_page

    folder = context.folder
    target = out / folder.listening_page.name if out is not None and out.is_dir() else out or folder.listening_page
    refuse_foreign(target, force=force)
    found = contest([folder, *(find_run(name) for name in others)], prompts)
    page = build_page(found, folder, seed)
    with writing(folder, context.command, context.console):
        write_text(target, page.html)
        keep_earlier_key(context, page.key.page)
        page.key.model_copy(update={"file": str(target)}).write(folder.listening_key)
    say_page(context, page.key, target)
    return target


def refuse_foreign(target: Path, *, force: bool) -> None:
    """Leave a file alone that is no page of a listening test.

    Raises:
        TunesmithError: when there is one.
    """
    from tunesmith.report.listening.page import MARK

    if force or not target.exists():
        return
    try:
        with target.open("rb") as file:
            ours = MARK.encode() in file.read(4096)
    except OSError as error:
        raise explain_os_error(error, target) from error
    if not ours:
        raise TunesmithError(
            msg("this file is no page of a listening test, and is left as it is"),
            where=str(target),
            remedy=msg("Name another with --out, or replace it with --force."),
        )


def keep_earlier_key(context: RunContext, page: str) -> None:
    """Keep the key of another page, whose votes may still be on their way."""
    folder = context.folder
    if not folder.listening_key.exists():
        return
    try:
        earlier = ListeningKey.read(folder.listening_key).page
    except DamagedFileError:
        earlier = "damaged"
    if earlier != page:
        kept = folder.listening_key.with_name(f"listening_key.{earlier}.json")
        folder.listening_key.replace(kept)
        context.console.log(msg("the key of the page before is kept as {path}", path=str(kept)))


def say_page(context: RunContext, key: ListeningKey, target: Path) -> None:
    """Say where the page is, what is on it and what is not, and how to go on."""
    for reason in key.left_out:
        context.console.warn(msg("left out: {what}", what=reason))
    size = target.stat().st_size / 1e6
    repeats = sum(trial.repeats is not None for trial in key.trials)
    line = msg(
        "{path}: {pairs} pairs of {systems}, {repeats} of them heard twice, {size:.1f} MB",
        path=str(target),
        pairs=len(key.trials) - repeats,
        systems=all_of([system.title for system in key.systems]),
        repeats=repeats,
        size=size,
    )
    context.console.log(line)
    if size > LARGE_MB:
        context.console.warn(msg("this is large for mail; --prompts makes it smaller"))
    context.console.log(
        msg(
            "Open it in a browser or send it to friends. When votes come back: tunesmith listen {run} --votes FILE",
            run=str(context.folder.path),
        )
    )
    context.console.log(msg("What it hides is in {path}; do not send that.", path=str(context.folder.listening_key)))


def count_votes(context: RunContext, files: Sequence[Path]) -> None:
    """Join votes of several people, say what they show, and write ``listening.json``.

    Raises:
        TunesmithError: when none of the files holds a vote that counts.
    """
    from tunesmith.evaluation.listening.result import listening_result
    from tunesmith.evaluation.listening.returned import joined_votes

    folder = context.folder
    returned = joined_votes(folder, files)
    for reason in returned.left_out:
        context.console.warn(msg("left out: {what}", what=reason))
    result = listening_result(returned)
    with writing(folder, context.command, context.console):
        result.write(folder.listening)
    for sentence in (*(pair.sentence for pair in result.pairs), *result.notes, result.advice):
        context.console.log(sentence)
    context.console.log(msg("written: {path}; `tunesmith report` shows it", path=str(folder.listening)))
