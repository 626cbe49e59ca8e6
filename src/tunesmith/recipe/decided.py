"""Every key of a recipe with its value and what it decides, and which of two recipes' keys differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from tunesmith.recipe.models import Recipe
from tunesmith.records.settings import RESUMABLE, WEIGHTS, Decides, Section
from tunesmith.texts import Message, msg


@dataclass(frozen=True)
class Key:
    """One key of a recipe.

    Attributes:
        name: As its user writes it, ``train.learning_rate``.
        value: Its value as JSON has it.
        decides: What it decides; ``None`` where its section does not say.
    """

    name: str
    value: Any
    decides: Decides | None


@dataclass(frozen=True)
class Change:
    """A key whose value is another one than it was."""

    name: str
    old: Any
    new: Any
    decides: Decides

    def line(self) -> Message:
        """``train.learning_rate: 0.0001 → 5e-05``."""
        return msg("{key}: {old} → {new}", key=self.name, old=shown(self.old), new=shown(self.new))


def recipe_keys(recipe: Recipe, settings: BaseModel | None = None) -> list[Key]:
    """Every key of a recipe, in its order.

    Args:
        recipe: The recipe.
        settings: The family's settings with the recipe's ``options`` in them.
    """
    found = [key for key in section_keys(recipe, "") if key.name != "options"]
    return found + ([] if settings is None else list(section_keys(settings, "options.")))


def section_keys(section: BaseModel, prefix: str) -> Iterator[Key]:
    """The keys of one section and of those inside of it, which may be values of a mapping by name."""
    for name, value in section:
        if isinstance(value, BaseModel):
            yield from section_keys(value, f"{prefix}{name}.")
        elif isinstance(value, Mapping) and any(isinstance(entry, BaseModel) for entry in value.values()):
            for inner, entry in value.items():
                yield from section_keys(entry, f"{prefix}{name}.{inner}.")
        else:
            decides = type(section).decided_by(name) if isinstance(section, Section) else None
            yield Key(prefix + name, plain(value), decides)


def changes(old: Mapping[str, Any], new: Mapping[str, Any], decided: Mapping[str, Decides]) -> list[Change]:
    """What differs between two flat mappings of keys, in the order of the present one.

    Args:
        old: What was recorded; a key it lacks is new since then and counts as unchanged, an entry of a mapping
            (``adapter.networks.llm.rank``) apart.
        new: What is asked for now.
        decided: What each key decides.
    """
    names = dict.fromkeys((*new, *old))
    return [
        Change(name, old.get(name), new.get(name), decided.get(name, WEIGHTS))
        for name in names
        if (name in old or is_entry(name)) and old.get(name) != new.get(name)
    ]


def is_entry(name: str) -> bool:
    """Whether a key belongs to an entry of a mapping by name, which is absent where there is no such entry."""
    return name.startswith(("adapter.networks.", "train.stages."))


def keys_that_resume(settings: type[Section], prefix: str) -> list[str]:
    """Names of a section's keys under another value of which training can go on."""
    names = [name for name in settings.model_fields if settings.decided_by(name) == RESUMABLE]
    return [prefix + name for name in names]


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, tuple | list):
        return [plain(entry) for entry in value]
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    return value


def shown(value: Any) -> Any:
    """A value as a recipe writes it; nothing as a dash."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 80 else text[:79] + "…"
