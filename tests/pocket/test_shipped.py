"""The checkpoint that ships, as a user meets it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from tools.pocket import sound
from tools.pocket.musicgen.corpus import encode, make_corpus
from tools.pocket.musicgen.numbers_page import generate
from tools.pocket.musicgen.pretrain import held_out
from tools.pocket.prompts import HELD_OUT_SEED
from tunesmith.pocket.shipped import pocket_path
from tunesmith.pocket.synth import BASE_STYLES, EXAMPLE_STYLE, render

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def shipped():
    from transformers import AutoTokenizer, MusicgenForConditionalGeneration

    return (
        MusicgenForConditionalGeneration.from_pretrained(pocket_path()).eval(),
        AutoTokenizer.from_pretrained(pocket_path()),
    )


def test_it_is_small() -> None:
    assert sum(path.stat().st_size for path in pocket_path().iterdir()) < 12e6


def test_its_codec_keeps_the_example_style(shipped) -> None:
    codec = shipped[0].audio_encoder
    audio = torch.from_numpy(render(EXAMPLE_STYLE, 4.0, HELD_OUT_SEED, 16000).audio.mean(axis=1))[None]
    codes = encode(codec, audio)
    with torch.no_grad():
        back = codec.decode(codes[None], [None]).audio_values[0, 0].numpy()
    assert codes.shape == (1, 4, 320)
    assert all(len(codes[0, book].unique()) > 30 for book in range(4))
    real, kept = (sound.measure(clip, 16000) for clip in (audio[0].numpy(), back))
    assert abs(real.sub_share - kept.sub_share) < 0.1


def test_it_knows_its_base_styles_better_than_the_example_style(shipped) -> None:
    known = [
        np.mean(held_out(*shipped, make_corpus(shipped[0].audio_encoder, (s,), 1, HELD_OUT_SEED, 6.0)))
        for s in BASE_STYLES
    ]
    taught = np.mean(held_out(*shipped, make_corpus(shipped[0].audio_encoder, (EXAMPLE_STYLE,), 2, HELD_OUT_SEED, 6.0)))
    assert np.mean(known) < math.log(256) - 1.0
    assert taught > np.mean(known) + 0.3


def test_it_plays(shipped) -> None:
    audio = generate(*shipped, ["house arpeggio 124 bpm, bright synth"], 3.0, seed=0)[0]
    measured = sound.measure(audio, 16000)
    assert measured.silent_share < 0.05
    assert measured.noisiness < 0.53
    assert -25 < measured.level_db < -6
