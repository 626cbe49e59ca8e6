"""Finds families: one folder and one entry-point line (group ``tunesmith.families``) make a family."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import ValidationError

from tunesmith.errors import TunesmithError
from tunesmith.families.contract import Family, FamilyType
from tunesmith.texts import msg

GROUP = "tunesmith.families"


@cache
def installed() -> Mapping[str, EntryPoint]:
    """The entry point of every installed family by its name; read once, because a recipe asks for it at every key."""
    return {point.name: point for point in entry_points(group=GROUP)}


def family_names() -> list[str]:
    """Names of all installed families."""
    return sorted(installed())


def family_type(name: str) -> FamilyType:
    """An installed family by its name.

    Raises:
        TunesmithError: when no installed package provides it.
    """
    if name in installed():
        family: FamilyType = installed()[name].load()
        return family
    close = difflib.get_close_matches(name, family_names(), 1)
    known = msg("Known families: {families}.", families=tuple(family_names()))
    raise TunesmithError(
        msg("there is no model family `{name}`", name=name),
        remedy=msg("Did you mean `{nearest}`?", nearest=close[0]) if close else known,
    )


def recognise(path: str) -> str:
    """The family that a hub id or a folder belongs to.

    Raises:
        TunesmithError: when no family, or none that is supported yet, knows it.
    """
    for name in family_names():
        if family_type(name).recognises(path):
            return name
    raise TunesmithError(
        msg("no model family recognises this checkpoint"),
        where=path,
        remedy=msg(
            "Check the path or hub id, or name the family with `model.family` ({families}).",
            families=tuple(family_names()),
        ),
    )


def make_family(
    path: str, name: str | None = None, options: Mapping[str, Any] | None = None, revision: str | None = None
) -> Family:
    """A family object over ``path`` with validated options.

    Raises:
        TunesmithError: unknown family or checkpoint, or a bad option.
    """
    kind = family_type(name or recognise(path))
    try:
        settings = kind.settings.model_validate(dict(options or {}))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise TunesmithError(
            msg("options.{key}: {problem}", key=key, problem=first["msg"]),
            remedy=msg("See `tunesmith schema --family {family}`.", family=kind.name),
        ) from error
    return kind.open(path, settings, revision)
