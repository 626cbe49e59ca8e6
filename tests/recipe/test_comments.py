"""The comments of a recipe are whole sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from tunesmith.families.registry import family_type
from tunesmith.pocket.shipped import FAMILIES
from tunesmith.recipe.models import Recipe, StageRecipe
from tunesmith.recipe.write import commented_recipe

VERB = re.compile(
    r"\b(is|are|was|has|have|gets?|counts?|looks|trains?|takes?|says?|lasts?|rises|ends?|falls|decays|limits|trades|"
    r"compiles|keeps?|stops|must|may|fixes|copies|adds|guides|goes|generates|samples|begins|averages|does|gives|uses)\b"
)


def sections(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """(key, comment) of everything in a section, the sections in it among them."""
    for key, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield key, (kind.__doc__ or "").split("\n\n")[0]
            yield from ((f"{key}.{inner}", said) for inner, said in sections(kind))
        else:
            yield key, field.description or ""


COMMENTS = [
    *sections(Recipe),
    *((f"train.stages.{key}", said) for key, said in sections(StageRecipe)),
    *((f"{name}: {key}", said) for name in FAMILIES for key, said in sections(family_type(name).settings)),
]


@pytest.mark.parametrize(("key", "said"), COMMENTS, ids=[key for key, _ in COMMENTS])
def test_a_comment_is_a_whole_sentence(key: str, said: str) -> None:
    words = " ".join(said.split())
    assert re.match(r"[A-Z`\d]", words) and words.endswith("."), words
    assert VERB.search(re.split(r"(?<=[a-z])\. ", words)[0]), f"no verb: {words}"
    for mark in ('"', "()", "[]"):
        assert words.count(mark[0]) == words.count(mark[-1]) and words.count('"') % 2 == 0


def test_a_comment_is_wrapped_as_one_paragraph() -> None:
    text = commented_recipe(Recipe(), ["header"], {})
    comment = text[text.index("  # A second folder of audio") : text.index("  replay: ")].splitlines()
    assert all(len(line) > 90 for line in comment[:-1])
