from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tools.pocket.ace_step import codec as codec_module
from tools.pocket.ace_step.codec import fit_codec, to_latents, to_mel
from tools.pocket.ace_step.corpus import EXAMPLE_FIRST_SEED, FRAMES, RenderedSongs, clip_mel, render_songs
from tools.pocket.pretraining import PretrainPlan, Trained
from tunesmith.pocket.synth import BASE_STYLES, EXAMPLE_STYLE


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec_module, "ROWS", 4)
    monkeypatch.setattr(codec_module, "CROP", 96)


def quiet(share: float, note: str) -> None:
    pass


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> RenderedSongs:
    return render_songs(tmp_path_factory.mktemp("material"), 1, 1, seed=0, advance=quiet)


def test_songs_are_of_every_style_and_held_at_half_precision(songs: RenderedSongs) -> None:
    assert songs.mels.shape == (7, 2, 128, FRAMES)
    assert songs.styles == [*BASE_STYLES, EXAMPLE_STYLE]
    assert songs.of(("dub", EXAMPLE_STYLE)) == [5, 6]
    mel, caption = clip_mel(EXAMPLE_STYLE, EXAMPLE_FIRST_SEED)
    assert songs.captions[6] == caption
    np.testing.assert_allclose(songs.mels[6], mel[..., :FRAMES].numpy(), atol=1e-3)


def test_an_interrupted_rendering_goes_on(tmp_path: Path, songs: RenderedSongs) -> None:
    def stop(share: float, note: str) -> None:
        if share > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_songs(tmp_path, 1, 1, seed=0, advance=stop)
    again = render_songs(tmp_path, 1, 1, seed=0, advance=quiet)
    assert again.captions == songs.captions
    assert np.array_equal(again.mels, songs.mels)


def test_fitting_lowers_the_error_and_standardises_the_latents(songs: RenderedSongs, tmp_path: Path) -> None:
    losses: list[float] = []

    def report(used: Trained, done: float) -> None:
        losses.append(used.loss)

    codec, used = fit_codec(songs, PretrainPlan(updates=8), seed=0, state=tmp_path / "s.pt", report=report)
    assert used.updates == 8
    assert losses[-1] < 0.8 * losses[0]
    mel = torch.from_numpy(np.asarray(songs.mels[:, :, :, :256], np.float32))
    with torch.no_grad():
        latents = to_latents(codec, mel)
        assert to_mel(codec, latents).shape == mel.shape
    assert latents.shape == (7, 8, 16, 32)
    assert latents.mean(dim=(0, 2, 3)).abs().max() < 0.5
    assert (latents.std(dim=(0, 2, 3)) - 1).abs().max() < 0.4


def test_a_fit_taken_up_again_is_the_unbroken_one(songs: RenderedSongs, tmp_path: Path) -> None:
    def stop(used: Trained, done: float) -> None:
        if used.updates == 1:
            raise KeyboardInterrupt

    plan = PretrainPlan(updates=2)
    with pytest.raises(KeyboardInterrupt):
        fit_codec(songs, plan, seed=0, state=tmp_path / "broken.pt", report=stop)
    resumed, _ = fit_codec(songs, plan, seed=0, state=tmp_path / "broken.pt", report=lambda used, done: None)
    straight, _ = fit_codec(songs, plan, seed=0, state=tmp_path / "whole.pt", report=lambda used, done: None)
    for mine, other in zip(resumed.parameters(), straight.parameters(), strict=True):
        torch.testing.assert_close(mine, other)
