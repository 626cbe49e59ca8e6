"""Checks of samples that have a prompt beside what is learnt, or no audio at all."""

from __future__ import annotations

import numpy as np

from tests.data.sounds import RATE, phrase, save
from tunesmith.data.checks import CheckLimits, CheckReport, run_checks
from tunesmith.data.sample import AudioRef, Sample

LIMITS = CheckLimits(short_seconds=1.0, max_seconds=10.0)


def pair(name, target, prompt, caption="words", **more) -> Sample:
    audios = {"audio": AudioRef(str(target)), "prompt": AudioRef(str(prompt))}
    return Sample(name, audios, {"caption": caption}, **more)


def found(report: CheckReport) -> set[tuple[str, str, str]]:
    return {(finding.check, finding.level, finding.clip) for finding in report.findings}


def test_one_prompt_for_many_lines_is_no_duplicate(tmp_path):
    prompt = save(tmp_path / "p.wav", phrase(99))
    samples = [pair(f"{n}", save(tmp_path / f"{n}.wav", phrase(n)), prompt) for n in range(6)]
    report = run_checks(samples, LIMITS, transcripts=True)
    assert found(report) == set() and report.similar == []
    assert report.kept_seconds == 6 * 8.0, "a prompt is not learnt"
    assert report.kept[0].audios["prompt"].duration == 8.0


def test_one_target_for_two_prompts_is_no_copy_and_stays_on_one_side(tmp_path):
    target, first, second = (save(tmp_path / f"{n}.wav", phrase(n)) for n in range(3))
    samples = [pair("a", target, first), pair("b", target, second), pair("c", target, first)]
    report = run_checks(samples, LIMITS, transcripts=True)
    assert found(report) == {("duplicate", "error", "c")}, "only the same request for the same sound is a copy"
    assert report.similar == [("a", "b")]
    edits = [pair(kind, target, first, attributes={"edit_type": kind}) for kind in ("denoise", "vad")]
    assert found(run_checks(edits, LIMITS, transcripts=True)) == set()


def test_a_target_that_is_also_trained_on_leaks_and_a_prompt_does_not(tmp_path):
    one, two, three = (save(tmp_path / f"{n}.wav", phrase(n)) for n in range(3))
    samples = [pair("t", one, two, split="train"), pair("v", three, one, split="valid")]
    assert found(run_checks(samples, LIMITS, transcripts=True)) == set()
    samples = [pair("t", one, two, split="train"), pair("v", one, three, split="valid")]
    assert found(run_checks(samples, LIMITS, transcripts=True)) == {("leakage", "error", "v")}


def test_a_prompt_may_sound_bad_but_must_be_heard(tmp_path):
    target = save(tmp_path / "t.wav", phrase(1))
    sound = phrase(2)
    noisy = np.clip(8 * sound, -0.5, 0.5)
    gaps = np.concatenate([np.zeros(5 * RATE, np.float32), sound[: 3 * RATE]])
    prompts = {"noisy": noisy, "gaps": gaps, "mute": np.zeros(3 * RATE), "long": np.tile(sound, 2)}
    samples = [pair(name, target, save(tmp_path / f"{name}.wav", made)) for name, made in prompts.items()]
    report = run_checks(samples, LIMITS, fingerprint=False, transcripts=True)
    assert found(report) == {("mostly_silent", "error", "mute"), ("too_long", "error", "long")}
    (long,) = (finding for finding in report.findings if finding.clip == "long")
    assert str(long.message) == "this clip's `prompt` audio lasts 16 s, over 10 s"


def test_what_is_said_in_clips_is_for_the_family_to_judge(tmp_path):
    prompt = save(tmp_path / "p.wav", phrase(99))
    samples = [pair(f"{n}", save(tmp_path / f"{n}.wav", phrase(n)), prompt, "the same") for n in range(5)]
    samples.append(pair("bare", save(tmp_path / "bare.wav", phrase(7)), prompt, ""))
    assert found(run_checks(samples, LIMITS, transcripts=True)) == set()
    music = found(run_checks(samples, LIMITS))
    assert {("identical_texts", "warn", "*"), ("missing_text", "error", "bare")} <= music


def test_a_sample_without_audio_is_kept_and_counted(tmp_path):
    tokens = Sample("train.jsonl:1", {}, {"caption": "a"}, {"seconds": 2.5})
    heard = pair("a", save(tmp_path / "a.wav", phrase(1)), save(tmp_path / "p.wav", phrase(2)))
    counted = []
    report = run_checks([tokens, tokens.with_split("train"), heard], LIMITS, progress=counted.append, transcripts=True)
    assert [sample.id for sample in report.kept] == ["train.jsonl:1", "train.jsonl:1", "a"]
    assert report.kept_seconds == 13.0 and sum(counted) == 3 and not report.similar


def test_several_sample_rates_are_noted(tmp_path):
    samples = [
        pair(f"{rate}", save(tmp_path / f"{rate}.wav", phrase(rate, rate=rate), rate), tmp_path / "16000.wav")
        for rate in (16_000, 22_050, 44_100)
    ]
    report = run_checks(samples, LIMITS, fingerprint=False, model_sample_rate=24_000, transcripts=True)
    (told,) = (str(note) for note in report.notes)
    assert told == (
        "The audio has several sample rates: 16000 Hz (4), 22050 Hz (1), 44100 Hz (1); "
        "all of it is brought to the model's 24000 Hz."
    )
    assert run_checks(samples[:1], LIMITS, fingerprint=False, transcripts=True).notes == []
