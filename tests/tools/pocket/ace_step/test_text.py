from __future__ import annotations

from pathlib import Path

import numpy as np
from tokenizers import Tokenizer
from transformers import AutoTokenizer

from tools.pocket.ace_step.tokenizers import (
    LANGUAGES,
    STRUCTURE,
    lyric_ids,
    make_caption_tokenizer,
    make_lyric_vocabulary,
    make_lyrics,
)
from tunesmith.pocket.synth import BASE_STYLES, EXAMPLE_STYLE, render


def test_every_word_of_the_synthesiser_s_captions_is_one_token() -> None:
    tokenizer = make_caption_tokenizer()
    for style in (*BASE_STYLES, EXAMPLE_STYLE):
        for seed in range(8):
            caption = render(style, 0.2, seed).caption
            words = caption.replace(",", " ,").split()
            assert len(tokenizer(caption).input_ids) == len(words) + 1, caption


def test_other_words_are_spelt_and_other_scripts_are_unknown() -> None:
    tokenizer = make_caption_tokenizer()
    assert tokenizer.tokenize("Zydeco") == ["▁", "z", "y", "d", "e", "c", "o"]
    assert tokenizer.unk_token_id not in tokenizer("zydeco").input_ids
    assert tokenizer.unk_token_id in tokenizer("鼓").input_ids


def test_the_caption_tokenizer_loads_as_any_other(tmp_path: Path) -> None:
    make_caption_tokenizer().save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    batch = loaded(["dark techno", "a"], padding=True)
    assert batch.input_ids[1][-1] == loaded.pad_token_id
    assert batch.input_ids[0][-1] == loaded.eos_token_id == 1


def test_lyric_markers_are_single_tokens_at_the_published_low_ids(tmp_path: Path) -> None:
    make_lyric_vocabulary().save(str(tmp_path / "vocab.json"))
    tokenizer = Tokenizer.from_file(str(tmp_path / "vocab.json"))
    assert [tokenizer.token_to_id(f"[{name}]") for name in ("STOP", "UNK", "SPACE")] == [0, 1, 2]
    for name in (*LANGUAGES, *STRUCTURE):
        assert tokenizer.encode(f"[en][{name}]").tokens == ["[en]", f"[{name}]"]
    assert tokenizer.encode("[en]love[SPACE]you").tokens == ["[en]", "love", "[SPACE]", "you"]
    assert "[UNK]" not in tokenizer.encode("ni3hao3[SPACE]привет[SPACE]çà").tokens


def test_making_the_lyric_vocabulary_twice_gives_the_same() -> None:
    assert make_lyric_vocabulary().get_vocab() == make_lyric_vocabulary().get_vocab()


def test_a_line_ends_with_a_space_token() -> None:
    tokenizer = make_lyric_vocabulary()
    ids = lyric_ids(tokenizer, "[verse]\nstay with me")
    text = [tokenizer.id_to_token(number) for number in ids]
    assert " ".join(text) == "[START] [en] [verse] [SPACE] [en] stay [SPACE] with [SPACE] me [SPACE]"


def test_random_lyrics_have_tags_and_no_unknown_token() -> None:
    tokenizer = make_lyric_vocabulary()
    for seed in range(20):
        lyrics = make_lyrics(np.random.default_rng(seed))
        assert lyrics.startswith("[")
        assert tokenizer.token_to_id("[UNK]") not in lyric_ids(tokenizer, lyrics)
