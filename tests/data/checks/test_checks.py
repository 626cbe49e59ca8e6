"""Each check on a sound that has its fault, and on one that has not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.signal import butter, sosfilt

from tests.data.sounds import RATE, phrase, save
from tunesmith.data.checks import CHECKS, CheckLimits, run_checks
from tunesmith.data.sample import AudioRef, Sample
from tunesmith.records.findings import Finding
from tunesmith.texts import Message


def sample(path: Path, text: str = "", **more: object) -> Sample:
    return Sample(path.name, {"audio": AudioRef(str(path))}, {"caption": text or f"text of {path.name}"}, **more)


@pytest.fixture
def run(tmp_path):
    """Write sounds by name, check them, and give the report."""

    def go(sounds, rate=RATE, how=None, **options):
        samples = [sample(save(tmp_path / f"{name}.wav", sound, rate, **(how or {}))) for name, sound in sounds.items()]
        return run_checks(samples, **options)

    return go


def found(report, check, level=None):
    return {f.clip.removesuffix(".wav") for f in report.findings if f.check == check and level in (None, f.level)}


def stereo(left, right):
    return np.stack([left, right], axis=1)


def test_a_good_clip_has_nothing_to_tell(run):
    report = run({"a": phrase(1), "b": phrase(2), "c": stereo(phrase(3), phrase(4))}, model_sample_rate=RATE)
    assert report.findings == []
    assert [s.audios["audio"].duration for s in report.kept] == [8.0, 8.0, 8.0]
    assert report.kept_seconds == 24.0 and report.quarantined == {} and report.similar == []


def test_length(run, tmp_path):
    report = run({"tiny": phrase(1, 0.5), "short": phrase(2, 3.0), "good": phrase(3)})
    assert found(report, "too_short", "error") == {"tiny"}
    assert found(report, "too_short", "warn") == {"short"}
    assert set(report.quarantined) == {"tiny.wav"}
    long = run({"long": phrase(1, 9.0)}, limits=CheckLimits(max_seconds=8.5))
    assert found(long, "too_long", "error") == {"long"}


def test_a_header_that_tells_another_length(tmp_path):
    one, two = save(tmp_path / "a.flac", phrase(1)), save(tmp_path / "b.flac", phrase(2, 6.0))
    died = save(tmp_path / "died.wav", phrase(3)).read_bytes()
    at = died.index(b"data") + 4
    (tmp_path / "died.wav").write_bytes(died[:at] + bytes(4) + died[at + 4 :])
    nearly = bytearray(save(tmp_path / "nearly.flac", phrase(4)).read_bytes())
    nearly[22:26] = (round(7.9 * RATE)).to_bytes(4, "big")  # 1.25 % and 0.1 s less than there is
    (tmp_path / "nearly.flac").write_bytes(nearly)
    (tmp_path / "joined.flac").write_bytes(one.read_bytes() + two.read_bytes())
    report = run_checks([sample(tmp_path / name) for name in ("joined.flac", "died.wav", "nearly.flac")])
    said = {f.clip: str(f.message) for f in report.findings if f.check == "header_length" and f.level == "warn"}
    assert "several recordings, one behind the other: 14.00 s, and the header at its front states 8.00 s" in said.pop(
        "joined.flac"
    )
    assert "holds 8.00 s, and its header states 0.00 s" in said.pop("died.wav")
    assert not said
    assert [s.audios["audio"].duration for s in report.kept] == [14.0, 8.0, 8.0]


def test_a_file_of_one_track_has_no_second_one(run):
    assert found(run({"a": phrase(1)}), "audio_tracks") == set()  # two need ffmpeg: tests/audio/test_ffmpeg.py


def test_a_three_hour_file_is_not_decoded(tmp_path):
    path = tmp_path / "mix.wav"
    with soundfile.SoundFile(path, "w", 8_000, 1, "PCM_U8") as file:
        for _ in range(3 * 36):
            file.write(np.zeros(8_000 * 100, np.float32))
    report = run_checks([sample(path)])
    assert not report.facts["mix.wav"]["audio"].decoded
    (finding,) = report.findings
    assert (finding.check, finding.value, finding.limit, finding.unit) == ("too_long", 10_800.0, 3600.0, "s")


def test_silence(run):
    half = np.concatenate([np.zeros(RATE * 6, np.float32), phrase(1, 4.0)])
    ends = np.concatenate([np.zeros(RATE * 2, np.float32), phrase(2, 5.0), np.zeros(RATE, np.float32)])
    report = run({"silent": np.zeros(RATE * 8, np.float32), "half": half, "ends": ends, "good": phrase(3)})
    assert found(report, "mostly_silent", "error") == {"silent", "half"}
    assert found(report, "silent_labels", "warn") == {"ends"}
    finding = next(f for f in report.findings if f.check == "silent_labels")
    assert finding.value == pytest.approx(37.5, abs=2) and "2.0 s" in str(finding.message)
    assert "2.0 秒" in finding.message.render("zh")


def test_clipping(run):
    bass = (0.9 * np.sin(2 * np.pi * 30 * np.arange(8 * RATE) / RATE)).astype(np.float32)
    report = run({"hot": np.clip(4 * phrase(1), -1, 1), "bass": bass, "overdriven": np.clip(2 * bass, -1, 1)})
    assert found(report, "clipped") == {"hot", "overdriven"}


def test_dc_offset(run):
    assert found(run({"off": phrase(1) * 0.5 + 0.05, "good": phrase(2)}), "dc_offset") == {"off"}


def test_channels(run):
    wide = np.random.default_rng(0).standard_normal((RATE, 200)).astype(np.float32) * 0.1
    report = run(
        {
            "dead": stereo(phrase(1), np.zeros_like(phrase(1))),
            "twice": stereo(phrase(2), phrase(2)),
            "anti": stereo(phrase(3), -phrase(3)),
            "good": stereo(phrase(4), phrase(5)),
            "wide": wide,
        }
    )
    assert found(report, "dead_channel", "warn") == {"dead"}
    assert "channel 2" in next(str(f.message) for f in report.findings if f.check == "dead_channel")
    assert found(report, "identical_channels", "info") == {"twice"}
    assert found(report, "antiphase", "warn") == {"anti"}
    assert found(report, "channels", "error") == {"wide"}
    assert "200 channels" in str(report.quarantined["wide.wav"])


@pytest.mark.parametrize(("rate", "wrong"), [(1_000, True), (8_000, False), (384_000, True)])
def test_sample_rate(run, rate, wrong):
    assert bool(found(run({"a": phrase(1, 2.0, rate)}, rate), "sample_rate", "error")) is wrong


def test_upsampled(run):
    import soxr

    bright = np.random.default_rng(0).standard_normal(RATE * 6).astype(np.float32) * 0.05 + phrase(1, 6.0)
    dull = soxr.resample(soxr.resample(bright, RATE, RATE // 2), RATE // 2, RATE)
    gentle = sosfilt(butter(1, 2500, fs=RATE, output="sos"), bright).astype(np.float32)
    report = run({"bright": bright, "dull": dull, "gentle": gentle}, fingerprint=False)
    assert found(report, "upsampled") == {"dull"}
    assert next(f.value for f in report.findings if f.check == "upsampled") == pytest.approx(3800, abs=300)


def test_nan_samples_are_counted_and_cannot_be_overruled(run):
    bad = phrase(1)
    bad[7:10] = [np.nan, np.inf, -np.inf]
    report = run({"bad": bad}, how={"subtype": "FLOAT"}, overrule=["bad.wav"])
    (finding,) = [f for f in report.findings if f.check == "nan_samples"]
    assert finding.level == "error" and finding.value == 3 and "cannot be overruled" in str(finding.message)
    numbers = [v for v in vars(report.facts["bad.wav"]["audio"]).values() if isinstance(v, float)]
    assert np.isfinite(numbers).all()
    assert report.kept == []


def test_unreadable_files_do_not_stop_the_rest(tmp_path):
    good = sample(save(tmp_path / "good.wav", phrase(1)))
    (tmp_path / "text.wav").write_text("hello", encoding="utf-8")
    cut = save(tmp_path / "cut.mp3", phrase(2, 8.0, 44_100), 44_100)
    cut.write_bytes(cut.read_bytes()[:20_000])
    samples = [good, *(sample(tmp_path / name) for name in ("text.wav", "cut.mp3", "gone.wav"))]
    report = run_checks(samples, overrule=["text.wav"])
    assert [s.id for s in report.kept] == ["good.wav"]
    assert "text file" in str(report.quarantined["text.wav"])
    assert "cut off" in str(report.quarantined["cut.mp3"])
    assert "no such file" in str(report.quarantined["gone.wav"])
    for said in (said for f in report.findings for said in (f.message, f.remedy)):
        assert said and said.render("zh") != str(said)


def test_fading(run):
    fading = phrase(1) * np.linspace(1, 0.02, 8 * RATE, dtype=np.float32)
    report = run({"fading": fading, "rising": fading[::-1].copy(), "steady": phrase(2)})
    assert found(report, "fade_out", "info") == {"fading"}
    assert found(report, "fade_out", "warn") == {"*"}


def test_loudness(run):
    report = run({"a": phrase(1), "b": phrase(2), "c": phrase(3), "quiet": phrase(4) * 0.2}, fingerprint=False)
    assert found(report, "loudness_outlier") == {"quiet"}
    assert found(run({"a": phrase(1), "quiet": phrase(4) * 0.2}), "loudness_outlier") == set()


def test_duplicates_by_content_and_by_sound(tmp_path):
    one = phrase(1, 10.0)
    save(tmp_path / "a.wav", one)
    save(tmp_path / "same.wav", one)
    save(tmp_path / "like.mp3", one[RATE * 2 :])
    save(tmp_path / "other.wav", phrase(2, 10.0))
    samples = [sample(tmp_path / name) for name in ("a.wav", "same.wav", "like.mp3", "other.wav")]
    report = run_checks(samples)
    levels = {f.clip: f.level for f in report.findings if f.check == "duplicate"}
    assert levels == {"same.wav": "error", "a.wav": "warn", "like.mp3": "warn"}
    assert report.similar == [("a.wav", "like.mp3")]
    without = run_checks(samples, fingerprint=False)
    assert {f.clip for f in without.findings if f.check == "duplicate"} == {"same.wav"}


def test_a_recording_saved_again_is_an_error_on_the_later_file(tmp_path):
    save(tmp_path / "a.wav", phrase(1))
    save(tmp_path / "again.flac", phrase(1), subtype="PCM_24")
    report = run_checks([sample(tmp_path / "a.wav"), sample(tmp_path / "again.flac")])
    assert [(f.check, f.level, f.clip) for f in report.findings] == [("duplicate", "error", "again.flac")]
    assert "saved again" in str(report.findings[0].message)


def test_leakage_puts_the_held_out_clip_aside(tmp_path):
    one = phrase(1, 10.0)
    names = {"train/a.wav": one, "valid/a.wav": one, "valid/b.wav": one[RATE * 3 :], "valid/c.wav": phrase(2, 10.0)}
    samples = []
    for name, sound in names.items():
        path = save(tmp_path / name, sound)
        split = name.split("/", maxsplit=1)[0]
        samples.append(Sample(name, {"audio": AudioRef(str(path))}, {"caption": name}, split=split))
    report = run_checks(samples)
    assert {f.clip for f in report.findings if f.check == "leakage" and f.level == "error"} == {
        "valid/a.wav",
        "valid/b.wav",
    }
    assert [s.id for s in report.kept] == ["train/a.wav", "valid/c.wav"]


def test_ends_cut_from_a_track_on_purpose_only_warn(tmp_path):
    one = phrase(1, 10.0)
    cut = {"train": one, "valid": one[RATE * 3 :]}
    samples = [
        sample(save(tmp_path / f"{split}.wav", sound), split=split, attributes={"cut_from": "one"})
        for split, sound in cut.items()
    ]
    report = run_checks(samples)
    assert found(report, "leakage", "warn") == {"valid"} and len(report.kept) == 2


def test_texts(tmp_path):
    path = save(tmp_path / "a.wav", phrase(1))
    texts = {
        "empty": " ",
        "long": "x" * 10_000,
        "chinese": "深色的陷阱节拍",
        "emoji": "🔥🔥",
        "mixed": "dark 节拍 beat",
    }
    samples = [Sample(name, {"audio": AudioRef(str(path))}, {"caption": text}) for name, text in texts.items()]
    samples.append(Sample("lyrics only", {"audio": AudioRef(str(path))}, {"lyrics": "la " * 2000}))

    def unknown(text):
        return sum(ord(c) > 127 for c in text) / len(text)

    report = run_checks(samples, unk_ratio=unknown, fingerprint=False)
    assert found(report, "missing_text", "error") == {"empty", "lyrics only"}
    assert found(report, "long_text", "error") == {"long"}
    assert found(report, "text_unknown", "error") == {"chinese", "emoji"}
    assert found(run_checks(samples, unk_ratio=lambda t: 0.5), "text_unknown", "warn") >= {"chinese", "mixed"}
    assert found(run_checks(samples), "text_unknown") == set()


def test_what_the_family_finds_in_texts_is_told_and_lyrics_are_not_held_against_the_caption_encoder(tmp_path):
    path = save(tmp_path / "a.wav", phrase(1))
    texts = {"caption": "pop", "lyrics": "谁在唱歌"}
    sample = Sample("a", {"audio": AudioRef(str(path))}, texts)

    def odd(one):
        said = Finding(check="family_texts", level="warn", clip=one.id, message=Message.fixed("odd"))
        return [said] if "谁" in one.texts["lyrics"] else []

    report = run_checks([sample], fingerprint=False, unk_ratio=lambda t: float("谁" in t), text_findings=odd)
    assert found(report, "family_texts", "warn") == {"a"}
    assert found(report, "text_unknown") == set()


def test_identical_texts(tmp_path):
    path = save(tmp_path / "a.wav", phrase(1))

    def told(texts):
        samples = [Sample(str(n), {"audio": AudioRef(str(path))}, {"caption": t}) for n, t in enumerate(texts)]
        return found(run_checks(samples, fingerprint=False), "identical_texts", "warn")

    assert told(["beat", "Beat ", "beat", "other"]) == {"*"}
    assert told(["beat", "beat", "other", "more"]) == set()


def test_every_check_has_a_test():
    text = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    names = [getattr(check, "name", check.__module__.rpartition(".")[2]) for check in CHECKS]
    assert len(names) == len(set(names)) >= 20
    assert [name for name in names if f'"{name}"' not in text and name != "unreadable"] == []
