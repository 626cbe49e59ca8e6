"""Texts that say nothing of their clips, or something wrong."""

from __future__ import annotations

import numpy as np
import pytest

from tests.data.sounds import phrase, save
from tunesmith.data.checks import run_checks
from tunesmith.data.checks.wrong_bpm import said_bpm
from tunesmith.data.sample import AudioRef, Sample
from tunesmith.pocket.synth import render

CHECKS = {"file_name_texts", "alike_texts", "identical_texts", "wrong_bpm"}


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return save(tmp_path_factory.mktemp("texts") / "03_Night Drive.wav", phrase(1))


def told(clip, texts, **how):
    samples = [Sample(str(n), {"audio": AudioRef(str(clip))}, {"caption": text}) for n, text in enumerate(texts)]
    findings = run_checks(samples, fingerprint=False, signals=False, **how).findings
    return {(f.check, f.clip) for f in findings if f.check in CHECKS}


def test_file_names_as_texts(clip):
    names = [
        "03_Night Drive",
        "night drive.wav",
        "TRACK_07",
        "kick-01.flac",
        "trap beat",
        "techno",
        "a slow night drive",
    ]
    assert told(clip, names) == {("file_name_texts", str(n)) for n in range(4)}
    assert told(clip, names, transcripts=True) == set()


def test_texts_that_differ_in_numbers_and_marks_only(clip):
    assert told(clip, [f"Dark techno, analog synths ({n})" for n in range(6)]) == {("alike_texts", "*")}
    assert told(clip, ["Dark techno", "dark techno!", "DARK TECHNO 2", "techno, dark", "warm house"]) == {
        ("alike_texts", "*")
    }
    tempi = [f"dark techno, {bpm} bpm" for bpm in (120, 124, 128, 131)]
    assert told(clip, tempi) == set()
    described = [f"dark techno with {what} and a {mood} end" for what, mood in zip("abcdef", "ghijkl", strict=True)]
    assert told(clip, described) == set()
    assert told(clip, ["same"] * 4) == {("identical_texts", "*")}


def test_a_tempo_that_the_music_has_not(tmp_path):
    made = render("house", 12.0, 3)
    path = save(tmp_path / "house.wav", np.asarray(made.audio), 32_000)

    def wrong(text, **attributes):
        one = Sample("house", {"audio": AudioRef(str(path))}, {"caption": text}, attributes=attributes)
        return [f for f in run_checks([one], fingerprint=False).findings if f.check == "wrong_bpm"]

    right = round(made.bpm)
    assert wrong(f"house, {right} bpm") == [] and wrong(f"{2 * right} BPM house") == []
    (finding,) = wrong(f"house, {round(1.2 * right)} bpm")
    assert finding.level == "warn" and f"has {right}" in str(finding.message)
    assert wrong("house", bpm=round(0.8 * right)) and not wrong("house", bpm=right)


@pytest.mark.parametrize(
    ("text", "bpm"),
    [
        ("techno at 128 bpm", 128),
        ("BPM: 92.5, soul", 92.5),
        ("140-bpm drum and bass", 140),
        ("from 90 bpm to 140 bpm", None),
        ("808s, 1985 bpm", None),
        ("no tempo", None),
    ],
)
def test_the_tempo_that_a_text_names(text, bpm):
    assert said_bpm(Sample("a", {}, {"caption": text})) == bpm
