from __future__ import annotations

import numpy as np
import pytest
import torch

from tools.pocket.ace_step.assemble import Parts, make_parts
from tools.pocket.ace_step.batches import MelCorpus
from tools.pocket.ace_step.codec import to_mel
from tools.pocket.ace_step.measure import DB
from tools.pocket.ace_step.pretrain import held_out
from tools.pocket.ace_step.sample import sample
from tunesmith.families.ace_step.config import TEXT, TRANSFORMER, read_config
from tunesmith.families.ace_step.parts.codec import MusicCodec
from tunesmith.families.ace_step.parts.text_encoder import load_umt5
from tunesmith.families.component import DIFFUSERS_WEIGHTS, read_tensors
from tunesmith.pocket.shipped import pocket_path
from tunesmith.pocket.synth import EXAMPLE_STYLE, render


@pytest.fixture(scope="module")
def player() -> MusicCodec:
    return MusicCodec(pocket_path("ace_step"), read_config(pocket_path("ace_step")), "cpu")


@pytest.fixture(scope="module")
def parts() -> Parts:
    folder = pocket_path("ace_step")
    made = make_parts(0)
    made.transformer.load_state_dict(read_tensors(folder / TRANSFORMER / DIFFUSERS_WEIGHTS))
    made.text_encoder.load_state_dict(load_umt5(folder / TEXT, read_config(folder).text).state_dict())
    made.transformer.eval()
    made.text_encoder.eval()
    return made


def audio(style: str, seed: int) -> np.ndarray:
    return render(style, 4.0, seed, 48_000).audio.T


def test_it_is_small() -> None:
    size = sum(path.stat().st_size for path in pocket_path("ace_step").rglob("*") if path.is_file())
    assert size < 8e6


@pytest.mark.parametrize("style", ["keys", "breaks", EXAMPLE_STYLE])
def test_the_codec_keeps_the_mel_and_standardises_the_latents(player: MusicCodec, style: str) -> None:
    clip = torch.from_numpy(audio(style, 2_000_001).copy())
    latents = player.encode(clip)
    assert abs(float(latents.mean())) < 0.3
    assert 0.6 < float(latents.std()) < 1.5
    again = player.decode_mel(latents[None])[0]
    wanted = player.log_mel(torch.from_numpy(render(style, 4.0, 2_000_001, 44_100).audio.T.copy()))
    frames = wanted.shape[-1] - 8  # of the last ones, some look beyond the end
    error = (again[..., :frames] - wanted[..., :frames]).abs().mean()
    assert float(error) / 7 * DB < 6.0


def test_silence_stays_silent(player: MusicCodec) -> None:
    decoded = player.decode(player.encode(np.zeros((2, 96_000), np.float32))[None], overlapped=False)[0]
    assert np.sqrt(np.mean(decoded**2)) < 0.003


def test_captions_decide_the_sound(parts: Parts, player: MusicCodec) -> None:
    captions = ["dub groove 150 bpm, deep bass, organ chords, laid back", "ambient pad chords, hopeful, airy, slow"]
    made = sample(parts, captions, 40, seed=1, steps=10)
    mels = to_mel(_Decoder(player), made) * DB  # type: ignore[arg-type]
    high = mels[:, :, 85:].mean(dim=(1, 2, 3))
    assert high[0] > high[1] + 10  # hats against none


def test_it_knows_its_own_styles_better_than_the_one_it_will_be_taught(parts: Parts, player: MusicCodec) -> None:
    losses = {}
    for style in ("dub", "breaks", EXAMPLE_STYLE):
        clips = [render(style, 4.0, 2_000_000 + n, 48_000) for n in range(2)]
        latents = torch.stack([player.encode(clip.audio.T.copy()) for clip in clips])
        losses[style] = held_out(parts, MelCorpus(latents, [clip.caption for clip in clips]), (0.6, 0.85))
    assert all(mine < other for mine, other in zip(losses["dub"], losses[EXAMPLE_STYLE], strict=True))
    assert all(mine < other for mine, other in zip(losses["breaks"], losses[EXAMPLE_STYLE], strict=True))


class _Decoder:
    """What ``to_mel`` needs of an autoencoder."""

    def __init__(self, player: MusicCodec) -> None:
        self.decoder = player.dcae_decoder
