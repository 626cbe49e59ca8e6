from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from tools.pocket.step_audio.edits import EDITS
from tools.pocket.step_audio.sentences import WORDS, draw_sentence, is_held_out, one_word_different
from tools.pocket.step_audio.text_tokenizer import SPECIAL, make_text_tokeniser, token_ids
from tunesmith.families.step_audio.config import TokenIds
from tunesmith.families.step_audio.prompts import SPEAKER, PromptStyle, clone_prompt, edit_prompt
from tunesmith.families.step_audio.text_tokenizer import JsonText


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> JsonText:
    tokeniser = make_text_tokeniser()
    path = tmp_path_factory.mktemp("text") / "tokenizer.json"
    tokeniser.save(str(path))
    return JsonText(path, token_ids(tokeniser))


def test_special_tokens_have_the_released_ids_and_audio_follows_text(read: JsonText) -> None:
    assert [read.model.token_to_id(token) for token in SPECIAL] == [0, 1, 2, 3, 4]
    assert read.ids.audio_base == read.model.get_vocab_size(with_added_tokens=True)
    assert read.ids == TokenIds(read.ids.audio_base, read.ids.vq02, read.ids.vq06)


def test_every_word_of_the_language_is_one_id_wherever_it_stands(read: JsonText) -> None:
    for word in WORDS:
        assert len(read.encode(word)) == 1
    for number in range(50):
        text = draw_sentence(np.random.default_rng(number))
        assert read.encode(text) == [read.encode(word)[0] for word in text.split()]
    assert read.encode("Seven Red boats") == read.encode("seven red boats")


def test_other_text_is_spelt_in_bytes(read: JsonText) -> None:
    ids = read.encode("zebra 你")
    assert 0 not in ids
    assert max(ids) < read.ids.audio_base
    assert read.decode_plain(ids, dummy_prefix=False).strip() == "zebra 你"


@pytest.mark.parametrize("style", get_args(PromptStyle))
def test_the_fixed_parts_of_prompts_are_few_ids(read: JsonText, style: PromptStyle) -> None:
    audio = [read.ids.audio_base] * 2 + [read.ids.audio_base + read.ids.vq02] * 3
    clone = clone_prompt(
        read, prompt_text="my boats", prompt_ids=audio, target_text="red foxes run", speaker=SPEAKER, style=style,
        ids=read.ids,
    )  # fmt: skip
    assert len(clone) == len(audio) + 16
    for edit in EDITS:
        ids = edit_prompt(
            read, edit_type=edit.kind, edit_info=edit.info or None, source_text="my boats", source_ids=audio,
            target_text=None, style=style, ids=read.ids,
        )  # fmt: skip
        assert len(ids) <= len(audio) + 18


def test_sentences_held_out_are_never_drawn_for_training() -> None:
    drawn = [draw_sentence(np.random.default_rng(number)) for number in range(400)]
    kept = [draw_sentence(np.random.default_rng(number), held_out=True) for number in range(40)]
    assert not any(is_held_out(text.split()) for text in drawn)
    assert all(is_held_out(text.split()) for text in kept)
    assert len(set(drawn)) > 350
    assert all(set(text.split()) <= set(WORDS) for text in drawn + kept)


def test_one_word_is_replaced_by_another_of_its_class() -> None:
    text = "seven red boats sleep tonight"
    others = one_word_different(text, 7, np.random.default_rng(0))
    assert len(set(others)) == 7
    for other in others:
        assert sum(mine != theirs for mine, theirs in zip(text.split(), other.split(), strict=True)) == 1


def test_the_vocabulary_file_is_small(read: JsonText, tmp_path: Path) -> None:
    make_text_tokeniser().save(str(tmp_path / "t.json"), pretty=False)
    assert (tmp_path / "t.json").stat().st_size < 60_000
