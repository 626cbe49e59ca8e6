from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tunesmith.errors import TunesmithError
from tunesmith.recipe.models import Recipe
from tunesmith.recipe.presets import preset_names, preset_text
from tunesmith.recipe.schema import json_schema, write_schema

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}


def fits(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    """The part of JSON schema draft 7 that recipes use."""
    if "$ref" in schema:
        return fits(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "anyOf" in schema or "oneOf" in schema:
        return any(fits(value, option, root) for option in schema.get("anyOf") or schema["oneOf"])
    if schema.get("type") == "null":
        return value is None
    kind = TYPES.get(schema.get("type", ""), object)
    checks = [
        isinstance(value, kind) and (kind is bool or not isinstance(value, bool) or kind is object),
        "enum" not in schema or value in schema["enum"],
        "const" not in schema or value == schema["const"],
    ]
    if not all(checks):
        return False
    if isinstance(value, dict):
        known = schema.get("properties", {})
        extra = schema.get("additionalProperties", True)
        return all(fits(v, known[k], root) if k in known else extra is not False for k, v in value.items())
    if isinstance(value, list):
        items = schema.get("items", {})
        pairs = zip(value, items, strict=True) if isinstance(items, list) else ((one, items) for one in value)
        return all(fits(one, item, root) for one, item in pairs)
    if isinstance(value, int | float):
        low, high = schema.get("exclusiveMinimum"), schema.get("maximum")
        return (
            (low is None or value > low) and (high is None or value <= high) and value >= schema.get("minimum", value)
        )
    return True


def test_a_whole_recipe_and_every_preset_fit() -> None:
    schema = json_schema()
    assert fits(Recipe().model_dump(mode="json"), schema, schema)
    for name in preset_names():
        assert fits(yaml.safe_load(preset_text(name)), schema, schema), name
    assert fits({"preset": "careful", "train": None}, schema, schema)


@pytest.mark.parametrize(
    "wrong",
    [
        {"nmae": "x"},
        {"preset": "none"},
        {"adapter": {"rank": -3}},
        {"adapter": {"kind": "lore"}},
        {"train": {"learning_rat": 1}},
        {"data": {"fingerprint": 3}},
        {"gates": {"layout": False}},
    ],
)
def test_mistakes_do_not_fit(wrong: dict[str, Any]) -> None:
    schema = json_schema()
    assert not fits(wrong, schema, schema)


def test_every_key_has_a_description() -> None:
    schema = json_schema("musicgen")
    sections = [part for part in schema["$defs"].values() if "properties" in part]
    assert len(sections) >= 9
    properties = [(part["title"], key, prop) for part in sections for key, prop in part["properties"].items()]
    assert [f"{title}.{key}" for title, key, prop in properties if not prop.get("description")] == []


def test_a_family_fills_options() -> None:
    schema = json_schema("musicgen")
    assert fits({"options": {"guidance": 3.5}}, schema, schema)
    assert not fits({"options": {"guidnce": 3.5}}, schema, schema)
    plain = json_schema()
    assert fits({"options": {"anything": 1}}, plain, plain)
    with pytest.raises(TunesmithError, match="Did you mean `musicgen`"):
        json_schema("musicgem")


def test_it_speaks_the_dialect_it_names(tmp_path: Path) -> None:
    text = write_schema(tmp_path).read_text(encoding="utf-8")
    assert '"$schema": "http://json-schema.org/draft-07/schema#"' in text
    assert not re.search("prefixItems|unevaluated", text)
