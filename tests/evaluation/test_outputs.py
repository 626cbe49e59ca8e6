"""What is said of an output holds for its file; nothing is clipped unsaid, and a pair keeps its difference in level."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.evaluation.music import RATE, song
from tunesmith.audio.decode import read
from tunesmith.evaluation.compare import shared_gains, write_side
from tunesmith.evaluation.diagnosis import diagnose_file
from tunesmith.evaluation.outputs import gain_message, shared_gain, write_output
from tunesmith.evaluation.signals import measure
from tunesmith.families.contract import Generated, GenerationRequest
from tunesmith.run.folder import RunFolder
from tunesmith.training.previews import make_previews

CEILING = 10 ** (-0.1 / 20)


def loud(peak: float, seed: int = 0) -> np.ndarray:
    """A song with this peak, (C, N) float32."""
    audio = np.atleast_2d(song(seed).T)
    return (audio * peak / np.abs(audio).max()).astype(np.float32)


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_what_passes_full_scale_is_turned_down_counted_and_said(tmp_path: Path, suffix: str) -> None:
    audio = loud(1.38)
    output = write_output(tmp_path / f"a.{suffix}", audio, RATE)
    held, _ = read(tmp_path / f"a.{suffix}")
    np.testing.assert_allclose(held, audio * CEILING / 1.38, atol=2 / 32768)
    signals = output.measure()
    assert signals.peak == float(np.abs(held).max()) == pytest.approx(CEILING, abs=1e-3)
    assert signals.gain_db == pytest.approx(-0.1 - 20 * np.log10(1.38), abs=1e-4)
    assert signals.over_frac == signals.clip_frac == np.count_nonzero(np.abs(audio) > 1) / audio.size > 0
    assert str(gain_message(signals.gain_db)) == "written 2.9 dB lower, to stay within full scale"
    assert signals.lufs == pytest.approx(measure(held.T, RATE).lufs)


def test_what_stays_within_full_scale_is_left_alone(tmp_path: Path) -> None:
    signals = write_output(tmp_path / "a.wav", loud(1.0), RATE).measure()
    assert (signals.gain_db, signals.over_frac) == (0.0, 0.0)
    assert signals.peak == pytest.approx(1.0, abs=1e-4)
    assert gain_message(signals.gain_db) is None


def test_an_output_far_beyond_full_scale_breaks_the_rule_of_clipping(tmp_path: Path) -> None:
    audio = np.clip(loud(3.0), -3, 3)
    signals = write_output(tmp_path / "a.wav", audio, RATE).measure()
    [verdict] = [v for v in diagnose_file(signals) if v.rule == "clipping"]
    assert verdict.number == pytest.approx(100 * np.count_nonzero(np.abs(audio) > 1) / audio.size)
    assert "clipping" not in [
        v.rule for v in diagnose_file(write_output(tmp_path / "b.wav", loud(0.9), RATE).measure())
    ]


def test_an_mp3_is_measured_as_it_plays(tmp_path: Path) -> None:
    signals = write_output(tmp_path / "a.mp3", loud(1.38), RATE).measure()
    held, rate = read(tmp_path / "a.mp3")
    plain = measure(held.T, rate)
    assert (signals.peak, signals.lufs, signals.duration_s) == (plain.peak, plain.lufs, plain.duration_s)


def test_base_and_adapter_keep_their_difference_in_level(tmp_path: Path) -> None:
    base, tuned = [(loud(0.7), RATE), (loud(0.5, 1), RATE)], [(loud(1.4), RATE), (loud(0.9, 1), RATE)]
    gains = shared_gains([base, tuned])
    assert gains == [shared_gain(tuned[0][0]), 0.0]
    sides = [write_side(tmp_path / name, made, gains, "wav", []) for name, made in (("a", base), ("b", tuned))]
    for one, other in zip(*sides, strict=True):
        assert one.signals.gain_db == other.signals.gain_db
    first, second = (side[0] for side in sides)
    assert second.signals.lufs - first.signals.lufs == pytest.approx(20 * np.log10(1.4 / 0.7), abs=0.01)
    assert second.signals.peak == pytest.approx(CEILING, abs=1e-3)
    assert first.signals.peak == pytest.approx(CEILING / 2, abs=1e-3)
    assert (first.signals.over_frac, second.signals.over_frac > 0) == (0.0, True)


def test_a_preview_is_measured_on_its_file(tmp_path: Path) -> None:
    request = GenerationRequest({"caption": "x"}, 1.0, 0)
    generator = SimpleNamespace(generate=lambda requests: [Generated(loud(1.38), RATE, r) for r in requests])
    family = SimpleNamespace(is_speech=False, generation=SimpleNamespace(generator=lambda networks, device: generator))
    folder = RunFolder(tmp_path)
    [preview] = make_previews(family, {}, [request], folder, 0, "cpu")
    held, rate = read(tmp_path / preview.file)
    assert preview.signals["peak"] == float(np.abs(held).max()) < 1.0
    assert preview.signals["gain_db"] == shared_gain(loud(1.38)) < 0
    assert preview.signals["lufs"] == measure(held.T, rate).lufs


def test_nothing_is_no_reason_to_stop(tmp_path: Path) -> None:
    assert write_output(tmp_path / "a.wav", np.zeros((1, 0), np.float32), RATE).measure().duration_s == 0
