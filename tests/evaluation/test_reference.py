"""The person's own clips: what is normal for them, what they excuse, and what moves towards them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation import failures
from tests.evaluation.music import RATE, measured, song
from tunesmith.errors import TunesmithError
from tunesmith.evaluation.collapse import collapse
from tunesmith.evaluation.diagnosis import diagnose_file, reference_of
from tunesmith.evaluation.feature_shift import towards_reference
from tunesmith.evaluation.paired import paired
from tunesmith.evaluation.signals import measure

OWN = [measured(seed) for seed in range(12)]


def failed(failure: failures.Failure, seed: int = 20) -> np.ndarray:
    return failure(song(seed), RATE, np.random.default_rng(seed))


def test_own_clips_pass_their_own_reference():
    reference = reference_of(OWN)
    assert reference is not None
    assert reference.common == {}
    assert [v.rule for clip in OWN for v in diagnose_file(clip, reference=reference)] == []


def test_calibration_finds_what_the_fixed_limit_misses():
    quiet_noise = measure(failed(lambda x, rate, rng: x + 0.25 * failures.noise("pink")(x, rate, rng)), RATE)
    assert "noise" not in [v.rule for v in diagnose_file(quiet_noise)]
    reference = reference_of(OWN)
    assert reference is not None
    [verdict] = [v for v in diagnose_file(quiet_noise, reference=reference) if v.rule == "noise"]
    assert not verdict.absolute
    assert verdict.z is not None
    assert verdict.z > 4.5
    values = verdict.sentence.values
    off = next(c for c in reference.centres.values() if c.median == values["median"])
    assert verdict.z == pytest.approx(abs(verdict.number - off.median) / off.spread)
    assert f"yours have {off.median:.3g}, give or take {off.spread:.2g}." in str(verdict.sentence)
    assert f"{verdict.number:.2f}" in str(verdict.sentence)
    assert "robust" not in str(verdict.sentence)


def test_few_clips_do_not_calibrate():
    noisy = measure(failed(failures.fade(4)), RATE)
    assert [v.z for v in diagnose_file(noisy, reference=reference_of(OWN[:5]))] == []


def test_what_most_own_clips_do_is_excused():
    fading = [measure(failures.fade(20)(song(seed), RATE, np.random.default_rng(0)), RATE) for seed in range(10)]
    reference = reference_of(fading)
    assert reference is not None
    assert reference.common == {"fade": 1.0}
    assert "fade" in [v.rule for v in diagnose_file(fading[0])]
    assert "fade" not in [v.rule for v in diagnose_file(fading[0], reference=reference)]
    far_worse = measure(failed(failures.fade(80)), RATE)
    assert "fade" in [v.rule for v in diagnose_file(far_worse, reference=reference)]
    assert collapse(fading[0]) == "fade"
    assert collapse(fading[0], reference) is None


@pytest.mark.parametrize(
    ("failure", "name"),
    [
        (failures.silence, "silent"),
        (failures.fade(25), "fade"),
        (failures.noise("pink"), "noise"),
        (failures.dissolve(0.4), "noise"),
        (failures.cut(0.4), "dead_tail"),
        (failures.broken, "not_finite"),
    ],
)
def test_collapse_is_named(failure, name):
    found = {collapse(measure(failed(failure, seed), RATE)) for seed in (20, 21, 22)}
    assert found <= {name, "fade"}
    assert name in found


def test_what_can_be_listened_to_is_no_collapse():
    assert [collapse(clip) for clip in OWN] == [None] * len(OWN)
    fading = measure(failed(failures.fade(11.5)), RATE)
    assert "fade" in [v.rule for v in diagnose_file(fading)]
    assert collapse(fading) is None
    assert collapse(measure(failed(failures.clip(9)), RATE)) is None


def test_pairs_are_compared_one_to_one():
    base = np.arange(8.0)
    result = paired(base, base + np.tile([1, 2], 4))
    assert (result.median_difference, result.n) == (1.5, 8)
    assert result.p_value == pytest.approx(2 / 2**8)
    assert paired(base, base) == paired(base, base + 0.0)
    assert paired(base, base).p_value == 1
    assert paired([1, np.nan, 3], [2, 5, np.nan]).n == 1
    assert paired([], []).n == 0
    with pytest.raises(TunesmithError, match="8 base values cannot be paired with 7"):
        paired(base, base[:7])


def test_a_move_towards_the_clips_is_seen_and_one_away_too():
    far = [replace(clip, sub_share=0.05, tempo_bpm=clip.tempo_bpm) for clip in OWN[:8]]
    near = [replace(clip, sub_share=0.5) for clip in OWN[:8]]
    own = [replace(clip, sub_share=0.55 + 0.01 * number) for number, clip in enumerate(OWN)]
    shifts = {shift.feature.signal: shift for shift in towards_reference(far, near, own)}
    assert shifts["sub_share"].moved_towards
    assert shifts["sub_share"].p_value < 0.01
    assert shifts["sub_share"].n == 8
    assert shifts["sub_share"].base_distance > shifts["sub_share"].adapter_distance
    assert shifts["lufs"].direction == "unchanged"
    back = {shift.feature.signal: shift for shift in towards_reference(near, far, own)}
    assert back["sub_share"].direction == "away"


def test_features_need_clips_and_measurements():
    assert towards_reference(OWN, OWN, []) == []
    silent = measure(np.zeros((RATE * 4, 2)), RATE)
    assert [s.feature.signal for s in towards_reference([silent], [silent], OWN)] == ["lufs"]
