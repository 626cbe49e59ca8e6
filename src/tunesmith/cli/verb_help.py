"""The help of a verb: its function's docstring, in every language."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import typer

from tunesmith.texts import Message, in_every_language


def verbs_of(app: typer.Typer) -> Iterator[typer.models.CommandInfo]:
    """The verbs of an application and of those within it."""
    yield from app.registered_commands
    for group in app.registered_groups:
        if group.typer_instance is not None:
            yield from verbs_of(group.typer_instance)


def documentation(verb: typer.models.CommandInfo) -> str:
    """What a verb's docstring says; English, the id of its translations."""
    return inspect.cleandoc(verb.callback.__doc__ or "") if verb.callback else ""


def explain_verbs(app: typer.Typer) -> None:
    """Give every verb its help."""
    for verb in verbs_of(app):
        said = Message(documentation(verb))
        verb.help = in_every_language(said, separator="\n\n")
        verb.short_help = verb.short_help or in_every_language(said, separator=" · ")
