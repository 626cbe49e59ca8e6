"""Every key of a recipe with its value and what it decides, and which of two recipes' keys differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from tunesmith.errors import TunesmithError
from tunesmith.recipe.models import Recipe
from tunesmith.records.settings import RESUMABLE, WEIGHTS, Decides, Section
from tunesmith.texts import Message, msg

if TYPE_CHECKING:
    from tunesmith.families.contract import FamilySettings, FamilyType


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


def recipe_keys(recipe: Recipe, settings: BaseModel | None) -> list[Key]:
    """Every key of a recipe, in its order.

    Args:
        recipe: The recipe.
        settings: The family's settings with the recipe's ``options`` in them; without them the options stand as they
            were given, and nobody says what they decide.
    """
    given = [Key(f"options.{name}", plain(value), None) for name, value in recipe.options.items()]
    options = given if settings is None else list(section_keys(settings, "options."))
    return [*section_keys(recipe, ""), *options]


def type_of(recipe: Recipe) -> FamilyType | None:
    """The family that a recipe's model belongs to; ``None`` where nobody knows it."""
    from tunesmith.families.registry import family_type, recognise

    try:
        return family_type(recipe.model.family or recognise(recipe.model.path))
    except TunesmithError:
        return None


def settings_of(recipe: Recipe) -> FamilySettings | None:
    """The family's settings with a recipe's options in them; ``None`` where they cannot be told."""
    kind = type_of(recipe)
    try:
        return kind.settings.model_validate(recipe.options) if kind else None
    except ValidationError:
        return None


def section_keys(section: BaseModel, prefix: str) -> Iterator[Key]:
    """The keys of one section and of those inside of it, which may be values of a mapping by name."""
    for name, value in section:
        if isinstance(value, BaseModel):
            yield from section_keys(value, f"{prefix}{name}.")
        elif isinstance(value, Mapping):
            for inner, entry in value.items():
                if isinstance(entry, BaseModel):
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
    return [
        Change(name, old.get(name), new.get(name), decided.get(name, WEIGHTS))
        for name in dict.fromkeys((*new, *old))
        if was_recorded(name, old) and old.get(name) != new.get(name)
    ]


def was_recorded(name: str, old: Mapping[str, Any]) -> bool:
    """Whether a record knows a key: it is there, or belongs to an entry of a mapping that had no such entry."""
    beside = {"adapter.networks.": "adapter.kind", "train.stages.": "train.learning_rate"}
    return name in old or any(name.startswith(prefix) and key in old for prefix, key in beside.items())


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
