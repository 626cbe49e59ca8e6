"""``tunesmith``: the verbs, and how every one of them ends."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from tunesmith import __version__
from tunesmith.cli import ears, pocket, presets
from tunesmith.cli.check import check
from tunesmith.cli.compare import compare
from tunesmith.cli.demo import demo
from tunesmith.cli.encode import encode
from tunesmith.cli.evaluate import evaluate
from tunesmith.cli.export import export
from tunesmith.cli.generate import generate
from tunesmith.cli.guard import Verb, Verbs, explain
from tunesmith.cli.info import info
from tunesmith.cli.label import label
from tunesmith.cli.listen import listen
from tunesmith.cli.merge_cache import merge_cache
from tunesmith.cli.new import new
from tunesmith.cli.plan import plan
from tunesmith.cli.report import report
from tunesmith.cli.run import run
from tunesmith.cli.schema import schema
from tunesmith.cli.slice import slice
from tunesmith.cli.studio import studio
from tunesmith.cli.train import train
from tunesmith.cli.verb_help import explain_verbs
from tunesmith.run.device import numpy_on_one_thread
from tunesmith.run.launcher import remember_launcher
from tunesmith.texts import tr_all

VERBS = (
    (new, tr_all("Look at your clips, write a recipe", separator=" · ")),
    (run, tr_all("Every stage of a run", separator=" · ")),
    (label, tr_all("Tags and descriptions for clips", separator=" · ")),
    (slice, tr_all("Long recordings into clips", separator=" · ")),
    (check, tr_all("Check and split the clips", separator=" · ")),
    (encode, tr_all("Encode clips and captions once", separator=" · ")),
    (merge_cache, tr_all("Join shares of check and encode", separator=" · ")),
    (train, tr_all("Train the adapter", separator=" · ")),
    (generate, tr_all("Make audio with it", separator=" · ")),
    (evaluate, tr_all("Compare base and adapter", separator=" · ")),
    (listen, tr_all("A blind listening test", separator=" · ")),
    (compare, tr_all("Runs side by side", separator=" · ")),
    (report, tr_all("Write report.html", separator=" · ")),
    (studio, tr_all("A page on this machine", separator=" · ")),
    (demo, tr_all("The whole road in minutes", separator=" · ")),
    (export, tr_all("The adapter for other tools", separator=" · ")),
    (plan, tr_all("Memory, disk and time", separator=" · ")),
    (schema, tr_all("JSON schema for editors", separator=" · ")),
    (info, tr_all("This machine and installation", separator=" · ")),
)

app = typer.Typer(
    cls=Verbs,
    name="tunesmith",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help: importing rich would cost a third of the start
    help=tr_all(
        "Fine-tune generative audio models on your own clips, and hear honestly whether it worked.", separator="\n\n"
    )
    + "\n\n"
    + tr_all("Begin:", separator=" ")
    + " tunesmith demo · tunesmith new mybeats --from ~/beats · tunesmith run mybeats",
)
for _verb, _short in VERBS:
    app.command(_verb.__name__.replace("_", "-"), short_help=_short, cls=Verb)(_verb)
app.add_typer(presets.app, name="presets", short_help=tr_all("Values to start from", separator=" · "))
app.add_typer(ears.app, name="ears", short_help=tr_all("Networks that hear more", separator=" · "))
app.add_typer(pocket.app, name="pocket", short_help=tr_all("The tiny models that ship", separator=" · "))


explain_verbs(app)
COMPLETION = {
    "install_completion": tr_all("Complete words of this command in the shell from now on."),
    "show_completion": tr_all("Print what completes them, to install it by hand."),
}
"""Help of the options that Typer adds, which has it in English alone."""


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tunesmith {__version__}")
        raise typer.Exit


@app.callback()
def _global(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help=tr_all("Print the version."))
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help=tr_all("Show the traceback of a failure (anywhere)."))] = False,
) -> None:
    """Options of every verb; :func:`main` takes ``--debug`` out before Typer sees it, so it may stand anywhere."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line.

    Args:
        arguments: Instead of ``sys.argv[1:]``.

    Returns:
        The exit code: 0, 1 for a failure that was explained, 2 for a wrong command line, 70 for a bug, 130 for Ctrl-C.
    """
    remember_launcher()
    numpy_on_one_thread()
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without Chinese letters gets question marks, not a crash
            stream.reconfigure(errors="replace")
    command: Any = typer.main.get_command(app)
    for option in command.params:
        option.help = COMPLETION.get(option.name, option.help)
    try:
        code = command.main([word for word in given if word != "--debug"], prog_name="tunesmith", standalone_mode=False)
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:
        return explain(error, debug=debug)
    return code if isinstance(code, int) else 0
