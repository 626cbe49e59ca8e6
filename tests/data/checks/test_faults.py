"""Faults that a careful ear hears: each check on a sound that has its fault, and on one that has not."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from scipy.signal import butter, sosfilt

from tests.data.sounds import phrase, save
from tunesmith.data.checks import run_checks
from tunesmith.data.sample import AudioRef, Sample

RATE = 32_000
SECONDS = 10.0


def sample(path, text=""):
    return Sample(path.name, {"audio": AudioRef(str(path))}, {"caption": text or f"text of {path.name}"})


def music(seed):
    """A phrase whose notes end without a click, over the faintest noise."""
    soft = sosfilt(butter(2, 5000, fs=RATE, output="sos"), phrase(seed, SECONDS, RATE))
    return (0.5 * soft / np.abs(soft).max()).astype(np.float32)


def noise(seconds, level, seed=0):
    return (level * np.random.default_rng(seed).standard_normal(round(seconds * RATE))).astype(np.float32)


def tones(*hz, level=0.01):
    t = np.arange(round(SECONDS * RATE)) / RATE
    return (level * sum(np.sin(2 * np.pi * f * t) for f in hz)).astype(np.float32)


def beeping(seed, hz=3000):
    sound, size = music(seed), round(0.4 * RATE)
    for start in (1.5, 4.5, 7.5):
        sound[round(start * RATE) : round(start * RATE) + size] += tones(hz, level=0.3)[:size]
    return sound


def ticking(seed):
    sound = music(seed)
    at = np.random.default_rng(seed).choice(np.arange(RATE // 2, 9 * RATE, RATE // 10), 40, replace=False)
    sound[at] += 0.5
    sound[at + 1] -= 0.3
    return sound


def holed(seed, count=3):
    sound = music(seed)
    for start in np.linspace(1.2, 8.0, count):
        first = round(start * RATE)
        loudest = first + int(np.abs(sound[first : first + RATE // 2]).argmax())
        sound[loudest : loudest + RATE // 25] = 0
    return sound


def limited(seed):
    return (0.97 * np.tanh(10 * music(seed))).astype(np.float32)


def gapped(seed):
    sound = music(seed)
    sound[4 * RATE : 7 * RATE] = 0
    return sound


@pytest.fixture(scope="module")
def findings(tmp_path_factory):
    """Findings of one set in which each clip has one fault."""
    sounds = {
        "good": music(1),
        "fine": music(2),
        "hiss": music(3) + noise(SECONDS, 0.01),
        "hum": music(4) + tones(50, 100, 150),
        "crackle": ticking(5),
        "beep": beeping(6),
        "dropout": holed(7),
        "gap": gapped(8),
        "noisy_tail": np.r_[music(9)[: 7 * RATE], noise(3.0, 0.003)],
        "noise_only": noise(SECONDS, 0.1),
        "brickwalled": limited(10),
    }
    folder = tmp_path_factory.mktemp("faults")
    samples = [sample(save(folder / f"{name}.wav", sound, RATE)) for name, sound in sounds.items()]
    return [f for f in run_checks(samples, model_sample_rate=RATE).findings if f.check != "loudness_outlier"]


@pytest.mark.parametrize(
    ("check", "level", "said"),
    [
        ("hiss", "warn", "steady noise"),
        ("hum", "warn", "hums at 50 Hz"),
        ("crackle", "warn", "a minute, over 72"),
        ("beep", "warn", "3000 Hz sounds 3 times in this clip, first at 1.5 s"),
        ("dropout", "warn", "3 holes with hard edges"),
        ("gap", "warn", "falls silent for 3.0 s in its middle, from 4.0 s on"),
        ("noisy_tail", "warn", "hold nothing but noise"),
        ("noise_only", "warn", "100% of its stretches"),
        ("brickwalled", "warn", "brickwalled master"),
    ],
)
def test_a_fault_is_told_of_its_clip_alone(findings, check, level, said):
    found = [f for f in findings if f.check == check]
    assert [(f.clip, f.level) for f in found] == [(f"{check}.wav", level)]
    assert said in str(found[0].message) and str(found[0].remedy)
    assert found[0].value is not None and found[0].limit is not None


def test_clean_clips_have_none_of_them(findings):
    assert [str(f.message) for f in findings if f.clip in ("good.wav", "fine.wav")] == []


def test_one_tone_in_most_clips_is_an_instrument(tmp_path):
    samples = [sample(save(tmp_path / f"{seed}.wav", beeping(seed), RATE)) for seed in range(4)]
    assert [f for f in run_checks(samples, fingerprint=False).findings if f.check == "beep"] == []
    others = [sample(save(tmp_path / f"{seed}.wav", music(seed), RATE)) for seed in range(4, 9)]
    told = [str(f.message) for f in run_checks([*samples, *others], fingerprint=False).findings if f.check == "beep"]
    assert len(told) == 4 and "3 other clips have it too" in told[0]


def test_a_lossless_file_of_a_lossy_source(tmp_path):
    import soxr

    rate = 44_100
    wide = (0.05 * np.random.default_rng(0).standard_normal(8 * rate)).astype(np.float32) + phrase(1, 8.0, rate)
    cut = soxr.resample(soxr.resample(wide, rate, 33_000), 33_000, rate)
    samples = [sample(save(tmp_path / name, sound, rate)) for name, sound in (("wide.wav", wide), ("cut.wav", cut))]
    soundfile.write(tmp_path / "low.mp3", phrase(2, 8.0, rate), rate, bitrate_mode="CONSTANT", compression_level=0.99)
    report = run_checks([*samples, sample(tmp_path / "low.mp3")], fingerprint=False)
    told = {f.clip: f.level for f in report.findings if f.check == "lossy_source"}
    assert told == {"cut.wav": "warn", "*": "info"}
    (note,) = [f for f in report.findings if f.check == "lossy_source" and f.clip == "*"]
    assert note.value == pytest.approx(8e-3 * (tmp_path / "low.mp3").stat().st_size / 8, rel=0.02)


@pytest.mark.parametrize(("pitch", "said"), [(2 ** (1 / 12), "+6%"), (1.01, "+1%"), (0.97, "-3%")])
def test_a_copy_at_another_speed(tmp_path, pitch, said):
    import soxr

    one = phrase(1, 12.0)
    fast = soxr.resample(one, round(16_000 * pitch), 16_000)
    sounds = {"a": one, "b": phrase(2, 12.0), "c": phrase(3, 12.0), "fast": fast}
    report = run_checks([sample(save(tmp_path / f"{name}.wav", sound)) for name, sound in sounds.items()])
    told = {f.clip: str(f.message) for f in report.findings if f.check == "altered_copy"}
    assert list(told) == ["fast.wav"] and said in told["fast.wav"]
    assert ("a.wav", "fast.wav") in report.similar


def test_sentences_of_one_voice_are_no_copies():
    """One voice's sentences are alike beyond what music is; they were joined for the split, which held nothing out."""
    from importlib.resources import files

    folder = files("tunesmith.pocket") / "step_audio" / "examples" / "voice" / "train"
    clips = [sample(folder / f"eve-{n:02}.flac") for n in range(1, 7)]
    report = run_checks(clips, transcripts=True)
    assert report.similar == []
    assert not [f for f in report.findings if f.check == "altered_copy"]
