"""Every failure is found by its rule, and good music breaks none."""

from __future__ import annotations

import numpy as np
import pytest

from tests.evaluation import failures
from tests.evaluation.music import RATE, SECONDS, measured, song
from tunesmith.evaluation.diagnosis import FILE_RULES, diagnose_file
from tunesmith.evaluation.signals import measure


def names(audio: np.ndarray, rate: int = RATE) -> list[str]:
    return [verdict.rule for verdict in diagnose_file(measure(audio, rate), want_seconds=SECONDS)]


@pytest.mark.parametrize("seed", range(12))
def test_good_music_breaks_no_rule(seed):
    assert [v.sentence.en for v in diagnose_file(measured(seed), want_seconds=SECONDS)] == []


@pytest.mark.parametrize("rate", [8_000, 32_000, 48_000])
def test_good_music_breaks_no_rule_at_other_sample_rates(rate):
    assert names(song(3, rate=rate), rate) == []


@pytest.mark.parametrize("name", failures.EXPECTED)
def test_each_failure_is_found_on_every_song(name):
    failure, rule = failures.EXPECTED[name]
    for seed in range(4):
        found = names(failure(song(seed), RATE, np.random.default_rng(seed)))
        assert rule in found, f"seed {seed}: {found}"


def test_every_rule_has_a_failure_that_proves_it():
    assert {rule.name for rule in FILE_RULES} == {rule for _, rule in failures.EXPECTED.values()}


def test_a_dissolve_is_dated():
    signals = measure(failures.dissolve(0.45)(song(1), RATE, np.random.default_rng(0)), RATE)
    assert signals.noise_onset_s == pytest.approx(0.45 * SECONDS, abs=1.0)
    [verdict] = [v for v in diagnose_file(signals) if v.rule == "noise"]
    assert f"second {signals.noise_onset_s:.0f}" in verdict.sentence.en


def test_a_slight_fade_is_left_to_the_group():
    assert names(failures.fade(5)(song(0), RATE, np.random.default_rng(0))) == []


def test_verdicts_are_complete_in_both_languages():
    for failure, rule in failures.EXPECTED.values():
        signals = measure(failure(song(0), RATE, np.random.default_rng(0)), RATE)
        [verdict] = [v for v in diagnose_file(signals, want_seconds=SECONDS) if v.rule == rule]
        record = verdict.to_json()
        for part in ("title", "sentence", "causes", "remedy"):
            assert record[part]["en"].isascii(), record[part]["en"]
            assert any("\u4e00" <= letter <= "\u9fff" for letter in record[part]["zh"])
        assert np.isfinite(record["number"]), rule
        assert np.isfinite(record["limit"]), rule


def test_speech_is_not_held_to_musical_order():
    shuffled = measure(failures.shuffle_frames(song(0), RATE, np.random.default_rng(0)), RATE)
    assert "incoherent" in [v.rule for v in diagnose_file(shuffled)]
    assert "incoherent" not in [v.rule for v in diagnose_file(shuffled, profile="speech")]
