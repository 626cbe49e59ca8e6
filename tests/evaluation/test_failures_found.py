"""Every failure is found by its rule, and good music breaks none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation import failures
from tests.evaluation.music import RATE, SECONDS, measured, song
from tunesmith.evaluation.diagnosis import FILE_RULES, diagnose_file, reference_of
from tunesmith.evaluation.diagnosis.rule import Profile
from tunesmith.evaluation.signals import measure
from tunesmith.texts import Message

RNG = np.random.default_rng(0)


def names(audio: np.ndarray, rate: int = RATE) -> list[str]:
    return [verdict.rule for verdict in diagnose_file(measure(audio, rate), want_seconds=SECONDS)]


@pytest.mark.parametrize("seed", range(12))
def test_good_music_breaks_no_rule(seed):
    assert [str(v.sentence) for v in diagnose_file(measured(seed), want_seconds=SECONDS)] == []


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
    of_music = {rule.name for rule in FILE_RULES if "music" in rule.profiles}
    known = failures.EXPECTED | failures.EXPECTED_IN_LONG_CLIPS | failures.EXPECTED_BESIDE_CLIPS
    assert of_music == {rule for _, rule in known.values()}


@pytest.mark.parametrize("name", failures.EXPECTED_IN_LONG_CLIPS)
def test_what_takes_nine_seconds_to_tell_is_found_in_twelve(name):
    failure, rule = failures.EXPECTED_IN_LONG_CLIPS[name]
    for seed in range(2):
        clean = song(seed, 12.0)
        assert rule not in [v.rule for v in diagnose_file(measure(clean, RATE))]
        assert rule in [v.rule for v in diagnose_file(measure(failure(clean, RATE, RNG), RATE))]


@pytest.mark.parametrize("name", failures.EXPECTED_BESIDE_CLIPS)
def test_what_only_own_clips_can_tell_is_found_beside_them(name):
    failure, rule = failures.EXPECTED_BESIDE_CLIPS[name]
    own = reference_of([measured(seed) for seed in range(10, 22)])
    for seed in range(4):
        assert rule not in [v.rule for v in diagnose_file(measured(seed), reference=own)]
        found = {v.rule: v for v in diagnose_file(measure(failure(song(seed), RATE, RNG), RATE), reference=own)}
        assert rule in found, f"seed {seed}: {list(found)}"


LOWER_IS_WORSE = {"drone", "antiphase", "mono", "short", "incoherent", "dull", "babble"}


@pytest.mark.parametrize("name", failures.EXPECTED)
def test_a_number_that_is_told_lies_beyond_its_limit(name):
    own = reference_of([measured(seed) for seed in range(10, 22)])
    for seed in range(2):
        signals = measure(failures.EXPECTED[name][0](song(seed), RATE, np.random.default_rng(seed)), RATE)
        for reference in (None, own):
            for verdict in diagnose_file(signals, SECONDS, reference=reference):
                low = verdict.rule in LOWER_IS_WORSE or (verdict.rule, verdict.unit) in {("silent", "LUFS")}
                low = low or (verdict.rule == "overdriven" and verdict.unit == "dB")
                low = low or (verdict.rule == "noise" and "persist" in str(verdict.sentence))
                low = low or (verdict.rule == "level" and verdict.number < verdict.limit)
                low = low or (verdict.rule == "fade" and verdict.limit < 0)
                beyond = verdict.number <= verdict.limit if low else verdict.number >= verdict.limit
                assert beyond, (verdict.rule, verdict.number, verdict.limit, str(verdict.sentence))


def test_the_end_of_a_recording_may_die_away():
    fading = measure(failures.fade(40)(song(0), RATE, RNG), RATE)
    assert {"fade"} <= {v.rule for v in diagnose_file(fading)}
    assert diagnose_file(replace(fading, at_end=1.0)) == []
    own = reference_of([replace(fading, at_end=1.0)] * 4 + [measured(seed) for seed in range(10, 18)])
    assert own is not None and "fade" not in own.common and own.centres["fade_slope"].median > -1


def test_a_whole_song_may_end_and_not_break_off():
    ended = replace(measured(0), duration_s=180.0, dead_tail_s=4.0)
    assert [v.rule for v in diagnose_file(ended)] == ["dead_tail"]
    assert diagnose_file(ended, whole=True) == []
    assert [v.rule for v in diagnose_file(replace(ended, dead_tail_s=9.0), whole=True)] == ["dead_tail"]


@pytest.mark.parametrize("band", [(400, 1600), (1000, 5000)])
def test_a_band_of_noise_is_no_drone(band):
    for seed in range(4):
        found = names(failures.noise_band(*band)(song(seed), RATE, np.random.default_rng(seed)))
        assert "noise" in found
        assert not {"drone", "frozen"} & set(found)


def test_a_dissolve_is_dated():
    signals = measure(failures.dissolve(0.45)(song(1), RATE, np.random.default_rng(0)), RATE)
    assert signals.noise_onset_s == pytest.approx(0.45 * SECONDS, abs=1.0)
    [verdict] = [v for v in diagnose_file(signals) if v.rule == "noise"]
    assert f"second {signals.noise_onset_s:.0f}" in str(verdict.sentence)


def test_a_beat_that_repeats_is_no_drone():
    time = np.arange(RATE // 2) / RATE
    hat = 0.2 * np.random.default_rng(0).standard_normal(len(time)) * np.exp(-80 * ((time - 0.25) % 0.5))
    beat = np.exp(-8 * time) * sum(np.sin(2 * np.pi * 110 * k * time) / k for k in range(1, 20)) + hat
    found = names(0.6 * np.tile(beat, 16))
    assert "drone" not in found
    assert "short_loop" in found
    assert measure(np.tile(beat, 16), RATE).loop_sim > 0.93


def test_a_drone_in_hiss_is_a_drone_and_no_noise():
    rng = np.random.default_rng(0)
    tone = failures.drone(song(0), RATE, rng)
    found = names(tone + 3e-3 * rng.standard_normal(tone.shape))
    assert "drone" in found
    assert "noise" not in found


def test_too_many_movements_are_noise_unless_the_level_stands_still():
    restless = replace(measured(0), eff_rank=25.0)
    assert [v.rule for v in diagnose_file(restless)] == ["noise"]
    assert [v.rule for v in diagnose_file(replace(restless, lra=0.1))] == ["drone"]


def test_what_comes_back_is_no_noise():
    flat = replace(measured(0), flat_white=0.55, fine_corr=0.02)
    assert [v.rule for v in diagnose_file(replace(flat, loop_sim=0.9))] == []
    assert [v.rule for v in diagnose_file(replace(flat, loop_sim=0.3))] == ["noise"]


def test_a_sentence_that_falls_faster_than_the_own_ones_is_no_fade():
    falling = {"fade_drop3": 6.0, "fade_slope": -2.0, "fade_tau": -1.0, "dead_tail_s": 0.0}
    sentence = replace(measured(0), duration_s=4.0, **falling)
    own = reference_of([measured(seed) for seed in range(10, 22)])
    assert "fade" in [v.rule for v in diagnose_file(sentence, None, "music", own)]
    assert "fade" not in [v.rule for v in diagnose_file(sentence, None, "speech", own)]


def test_half_a_clip_of_noise_is_told_though_the_whole_passes_for_a_whisper():
    half = replace(measured(0), flatness=0.05, lra=12.0, noise_share=0.5, noise_onset_s=4.0, noise_end_s=8.0)

    def found(std_db: float, profile: Profile) -> bool:
        return "noise" in [v.rule for v in diagnose_file(replace(half, noise_std_db=std_db), None, profile)]

    assert found(0.8, "speech") and found(6.0, "music")
    assert not found(6.0, "speech"), "a whisper moves"
    assert not found(float("nan"), "speech"), "of an older record nothing is known"


def test_a_slight_fade_is_left_to_the_group():
    assert names(failures.fade(5)(song(0), RATE, np.random.default_rng(0))) == []


def test_verdicts_are_complete_in_both_languages():
    for failure, rule in failures.EXPECTED.values():
        signals = measure(failure(song(0), RATE, np.random.default_rng(0)), RATE)
        [verdict] = [v for v in diagnose_file(signals, want_seconds=SECONDS) if v.rule == rule]
        record = verdict.to_json()
        for part in ("title", "sentence", "remedy"):
            assert record[part]["text"].isascii(), record[part]["text"]
            assert any("\u4e00" <= letter <= "\u9fff" for letter in Message.from_json(record[part]).render("zh"))
        assert np.isfinite(record["number"]), rule
        assert np.isfinite(record["limit"]), rule


def test_speech_is_not_held_to_musical_order():
    shuffled = measure(failures.shuffle_frames(song(0), RATE, np.random.default_rng(0)), RATE)
    assert "incoherent" in [v.rule for v in diagnose_file(shuffled)]
    assert "incoherent" not in [v.rule for v in diagnose_file(shuffled, profile="speech")]
