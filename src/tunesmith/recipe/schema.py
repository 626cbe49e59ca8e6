"""The recipe as a JSON schema, so that editors complete keys, show their meaning and mark mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunesmith.files import write_json
from tunesmith.recipe.models import Recipe
from tunesmith.recipe.presets import preset_names, preset_summary

FILE_NAME = "recipe.schema.json"
"""What the schema is called beside a recipe that names it."""

DIALECT = "http://json-schema.org/draft-07/schema#"
"""The dialect that editors' YAML plugins know best."""


def json_schema(family: str | None = None) -> dict[str, Any]:
    """The schema of a recipe.

    Args:
        family: Fill ``options`` with this model family's settings; any option is allowed without it.

    Raises:
        TunesmithError: when there is no such family.
    """
    schema = Recipe.model_json_schema()
    definitions = schema.setdefault("$defs", {})
    if family is not None:
        from tunesmith.families.registry import family_type

        settings = family_type(family).settings.model_json_schema()
        definitions.update(settings.pop("$defs", {}))
        definitions["FamilyOptions"] = settings
        schema["properties"]["options"] = {"$ref": "#/$defs/FamilyOptions"}
    schema["properties"] = {"preset": _preset(), **schema["properties"]}
    for part in [schema, *definitions.values()]:
        _leave_sections_empty(part)
    return {"$schema": DIALECT, **_draft_07(schema)}


def write_schema(folder: Path, family: str | None = None) -> Path:
    """Write the schema beside a recipe in ``folder``."""
    path = folder / FILE_NAME
    write_json(path, json_schema(family))
    return path


def _preset() -> dict[str, Any]:
    return {
        "title": "Preset",
        "description": "Start from this preset's values; the keys of this file win.",
        "oneOf": [{"const": name, "description": preset_summary(name)[0]} for name in preset_names()],
    }


def _leave_sections_empty(part: dict[str, Any]) -> None:
    """A section whose every line is commented out is null in YAML; the loader takes it for empty, so do editors."""
    for name, prop in part.get("properties", {}).items():
        if "$ref" in prop:
            rest = {key: value for key, value in prop.items() if key in ("description", "title")}
            part["properties"][name] = {**rest, "anyOf": [{"$ref": prop["$ref"]}, {"type": "null"}]}


def _draft_07(value: Any) -> Any:
    """Pairs are ``prefixItems`` in pydantic's dialect and a list of ``items`` in draft 7; repeated defaults go."""
    if isinstance(value, list):
        return [_draft_07(item) for item in value]
    if not isinstance(value, dict):
        return value
    result = {key: _draft_07(item) for key, item in value.items()}
    if "prefixItems" in result:
        result["items"] = result.pop("prefixItems")
    return result
