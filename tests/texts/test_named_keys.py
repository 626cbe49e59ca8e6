"""Whatever sentence names a key of the recipe names one that exists."""

from __future__ import annotations

import re
from pathlib import Path

import tunesmith
from tools import texts
from tunesmith.families.registry import family_names, family_type
from tunesmith.recipe.models import Recipe

SECTIONS = tuple(name for name, field in Recipe.model_fields.items() if hasattr(field.annotation, "model_fields"))
KEY = re.compile(rf"(?<![\w./-])({'|'.join((*SECTIONS, 'options'))})\.([a-z_]\w*)(?![\w(/])")
PLACE = re.compile(r"""(?:where|key)="([a-z]+)\.([a-z_]+)["'\] ]""")
"""Where a failure is, or which key a remedy is about, as the code has it."""
FILES = {"model.safetensors", "model.bin", "train.jsonl"}


def keys_of(section: str) -> set[str]:
    if section == "options":
        return {key for name in family_names() for key in family_type(name).settings.model_fields}
    return set(Recipe.model_fields[section].annotation.model_fields)  # type: ignore[union-attr]


def test_every_key_that_a_sentence_names_exists() -> None:
    known = {f"{section}.{key}" for section in (*SECTIONS, "options") for key in keys_of(section)} | FILES
    named = {(match[0], sentence) for sentence in texts.sentences() for match in KEY.finditer(sentence)}
    for file in Path(tunesmith.__file__).parent.rglob("*.py"):
        named |= {(f"{found[1]}.{found[2]}", file.name) for found in PLACE.finditer(file.read_text(encoding="utf-8"))}
    assert len(named) > 40
    assert sorted((key, sentence) for key, sentence in named if key not in known) == []
