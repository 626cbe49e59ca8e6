"""Recipes as people read them: every key with its value, its meaning, and what was seen in the data."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml
from pydantic import BaseModel

from tunesmith.recipe.models import Recipe
from tunesmith.recipe.schema import FILE_NAME
from tunesmith.recipe.tree import plain_scalar

_WIDTH = 118
_NO_FOLDING = 1_000_000
_SHORT = 60
_NOT_YAML = re.compile("[^\n\t\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""Characters that end a line in YAML, and with it a comment, or that YAML does not take even there."""


def commented_recipe(
    recipe: Recipe,
    header: Sequence[str],
    notes: Mapping[str, str],
    *,
    settings: BaseModel | None = None,
    schema: str = FILE_NAME,
) -> str:
    """A recipe's YAML with a comment above every key; :func:`tunesmith.recipe.load.load_recipe` reads it back equal.

    Args:
        recipe: The values.
        header: Lines that open the file, without ``#``.
        notes: What was seen in the data, by key (``train.updates``) or section (``data``); shown with ``→``.
        settings: The family's settings: its options are listed with their meaning too.
        schema: Where editors find the JSON schema, relative to the file.
    """
    lines = [f"# yaml-language-server: $schema={schema}", *_comment("\n".join(header), "")]
    for key, field in Recipe.model_fields.items():
        value = getattr(recipe, key)
        lines.append("")
        if isinstance(value, BaseModel):
            lines += _comment((type(value).__doc__ or "").strip().split("\n\n")[0], "")
            lines += _note(notes.get(key), "")
            lines.append(f"{key}:")
            lines += _section(value, key, notes)
        elif key == "options" and settings is not None:
            lines += [*_comment(field.description or "", ""), "options:"]
            known = settings.model_copy(
                update={name: value[name] for name in value if name in type(settings).model_fields}
            )
            lines += _section(known, key, notes)
        else:
            lines += [*_comment(field.description or "", ""), *_note(notes.get(key), ""), *_pair(key, value, "")]
    return "\n".join(lines) + "\n"


def dump_resolved(recipe: Recipe) -> str:
    """Every key with the value that was used, as plain YAML that :func:`load_recipe` reads back equal."""
    return _yaml(recipe.model_dump(mode="json"))


def _section(model: BaseModel, prefix: str, notes: Mapping[str, str]) -> list[str]:
    plain = model.model_dump(mode="json")
    lines: list[str] = []
    for key, field in type(model).model_fields.items():
        lines += _comment(field.description or "", "  ")
        lines += _note(notes.get(f"{prefix}.{key}"), "  ")
        lines += _pair(key, plain[key], "  ")
    return lines or ["  {}"]


def _pair(key: str, value: Any, indent: str) -> list[str]:
    return [indent + line if line else "" for line in _yaml({key: value}).rstrip("\n").split("\n")]


class _Dumper(yaml.SafeDumper):
    """Short lists in one line, long ones (prompts) with an item per line; text that looks like a number in quotes."""

    def represent_list(self, data: Iterable[Any]) -> yaml.SequenceNode:
        return self.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=len(str(data)) < _SHORT)

    def represent_str(self, data: str) -> yaml.ScalarNode:
        style = None if isinstance(plain_scalar(data), str) else "'"
        if any(mark in data for mark in "\r\x85\u2028\u2029"):  # line ends to YAML; only double quotes keep them
            style = '"'
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(list, _Dumper.represent_list)
_Dumper.add_representer(str, _Dumper.represent_str)


def _yaml(value: Any) -> str:
    return yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_NO_FOLDING, default_flow_style=False
    )


def _comment(text: str, indent: str) -> list[str]:
    lines: list[str] = []
    for paragraph in _NOT_YAML.sub(lambda found: found[0].encode("unicode_escape").decode(), text).split("\n"):
        wrapped = textwrap.wrap(paragraph, _WIDTH - len(indent)) or [""]
        lines += [f"{indent}# {line}".rstrip() for line in wrapped]
    return lines if text else []


def _note(text: str | None, indent: str) -> list[str]:
    return _comment(f"→ {text}", indent) if text else []
