"""A tokenizer over the small vocabulary."""

from __future__ import annotations

import pytest

from tests.families.ace_step.lyrics.make_small_vocab import FILE
from tunesmith.families.ace_step.lyrics.tokenizer import LyricTokenizer


@pytest.fixture(scope="session")
def small() -> LyricTokenizer:
    return LyricTokenizer(FILE)
