from __future__ import annotations

import pytest

from tools.pocket.musicgen.tokenizer import make_tokenizer
from tunesmith.pocket.synth import BASE_STYLES, EXAMPLE_STYLE, render

TOKENIZER = make_tokenizer()


def ids(text: str) -> list[int]:
    return TOKENIZER(text).input_ids


@pytest.mark.parametrize("style", [*BASE_STYLES, EXAMPLE_STYLE])
def test_captions_are_whole_words(style: str) -> None:
    for seed in range(4):
        caption = render(style, 0.5, seed, 8000).caption
        words = len(caption.replace(",", " ,").split())
        assert len(ids(caption)) <= words + 2 * caption.count("'") + 1
        assert TOKENIZER.unk_token_id not in ids(caption)


def test_unseen_words_are_spelt_and_differ() -> None:
    assert TOKENIZER.unk_token_id not in ids("Zydeco Waltz #3")
    assert ids("zydeco") != ids("zydecos")


def test_the_ids_are_those_of_t5() -> None:
    assert (TOKENIZER.pad_token_id, TOKENIZER.eos_token_id, TOKENIZER.unk_token_id) == (0, 1, 2)
    assert ids("house")[-1] == TOKENIZER.eos_token_id


def test_characters_it_does_not_know_become_unk() -> None:
    assert TOKENIZER.unk_token_id in ids("古风 trap")


def test_text_comes_back() -> None:
    assert TOKENIZER.decode(ids("house arpeggio 124 bpm, bright synth"), skip_special_tokens=True) == (
        "house arpeggio 124 bpm, bright synth"
    )
