from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from tests.report import fake_run
from tunesmith.report import media


@pytest.mark.parametrize(
    ("rate", "channels", "kind"),
    [(32000, 1, "audio/mpeg"), (44100, 2, "audio/mpeg"), (37000, 1, "audio/ogg"), (16000, 6, "audio/mpeg")],
)
def test_embedded_audio_is_small_and_sounds_the_same(tmp_path, rate, channels, kind):
    t = np.arange(rate * 2) / rate
    audio = np.stack([0.4 * np.sin(2 * np.pi * 440 * t)] * channels, axis=1)
    fake_run.write(tmp_path / "a.wav", audio, rate)
    found, data = media.encode(tmp_path / "a.wav")
    assert found == kind
    assert len(data) < (tmp_path / "a.wav").stat().st_size / 2
    back, back_rate = soundfile.read(io.BytesIO(data), always_2d=True)
    assert back_rate == rate
    assert back.shape == (rate * 2, min(channels, 2))
    assert np.sqrt((back**2).mean()) == pytest.approx(0.4 / np.sqrt(2), rel=0.05)


def test_nan_and_overload_do_not_reach_the_encoder(tmp_path, monkeypatch):
    audio = np.full(16000, 3.0, np.float32)
    audio[100:200] = np.nan
    soundfile.write(tmp_path / "a.wav", audio, 16000, subtype="FLOAT")
    given = []
    monkeypatch.setattr(media, "_write", lambda audio, *_, **__: given.append(audio) or b"")
    media.encode(tmp_path / "a.wav")
    assert np.isfinite(given[0]).all()
    assert abs(given[0]).max() == 1
    (clip,) = media.AudioEmbedder(tmp_path, embed=False).row([tmp_path / "a.wav"])
    assert clip.problem is None


def test_an_mp3_is_not_encoded_again(tmp_path):
    soundfile.write(tmp_path / "a.mp3", fake_run.beat(1.0), 16000)
    assert media.encode(tmp_path / "a.mp3") == ("audio/mpeg", (tmp_path / "a.mp3").read_bytes())


def test_without_encoders_it_is_wav(tmp_path, monkeypatch):
    fake_run.write(tmp_path / "a.wav", fake_run.beat(1.0))
    original = media._write

    def refuse(audio, rate, form, *rest, **options):
        if form != "WAV":
            raise soundfile.LibsndfileError(1)
        return original(audio, rate, form, *rest, **options)

    monkeypatch.setattr(media, "_write", refuse)
    kind, data = media.encode(tmp_path / "a.wav")
    assert kind == "audio/wav"
    assert data[:4] == b"RIFF"


def test_the_budget_counts_seconds_and_channels(tmp_path, monkeypatch):
    fake_run.write(tmp_path / "a.wav", fake_run.beat(1.0))
    (tmp_path / "broken.wav").write_text("nothing")
    paths = [tmp_path / "a.wav", tmp_path / "broken.wav", tmp_path / "missing.wav"]
    assert media.fits(paths)
    monkeypatch.setattr(media, "BUDGET_BYTES", 12_000)
    assert not media.fits(paths)


def test_the_estimate_covers_what_encoding_takes(tmp_path):
    fake_run.write(tmp_path / "a.wav", np.random.default_rng(0).standard_normal(32000 * 4) * 0.2, 32000)
    _, data = media.encode(tmp_path / "a.wav")
    assert len(data) * 4 / 3 < 1.5 * 4 * media._BYTES_PER_SECOND


def test_a_row_draws_to_the_asked_length_and_says_the_true_one(tmp_path):
    fake_run.write(tmp_path / "a.wav", fake_run.beat(3.0))
    (clip, none) = media.AudioEmbedder(tmp_path, embed=True).row([tmp_path / "a.wav", None], seconds=2.0)
    assert none is None
    assert clip.seconds == pytest.approx(3.0)
    assert clip.picture.seconds == 2.0
    assert clip.file == "a.wav"


def test_pictures_of_many_outputs_are_coarser(tmp_path):
    fake_run.write(tmp_path / "a.wav", fake_run.beat(1.0, 0))
    sizes = []
    for pictures, columns in ((0, 240), (36, 240), (72, 120), (1000, 96)):
        embedder = media.AudioEmbedder(tmp_path, embed=False, pictures=pictures)
        assert embedder.columns == columns
        [clip] = embedder.row([tmp_path / "a.wav"])
        sizes.append(len(clip.picture.image))
    assert sizes == sorted(sizes, reverse=True) and sizes[2] < 0.8 * sizes[0]
