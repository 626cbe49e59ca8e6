"""Several paired differences tested together: as rarely wrong as one, and right where something moved."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation.music import measured
from tunesmith.evaluation.diagnosis import diagnose_run
from tunesmith.evaluation.diagnosis.shares import chance
from tunesmith.evaluation.sign_flips import FEWEST_PAIRS, step_down

CLIPS = [measured(seed) for seed in range(40)]


def test_one_feature_that_always_moves_is_as_certain_as_its_pairs_allow():
    rng = np.random.default_rng(0)
    for pairs in (6, 8, 12):
        noise = rng.standard_normal((6, pairs))
        p_values = step_down([*noise, np.full(pairs, 2.0)])
        assert p_values[-1] == pytest.approx(2 / 2**pairs)
        assert min(p_values[:-1]) > p_values[-1]
    assert step_down([np.ones(40)])[0] < 1e-3


def test_of_many_features_without_a_change_few_are_called_changed():
    rng = np.random.default_rng(1)
    called = [min(step_down(rng.standard_normal((8, 8)))) <= 0.05 for _ in range(400)]
    assert np.mean(called) <= 0.07


def test_what_was_not_measured_or_did_not_move_says_nothing():
    assert step_down([]) == []
    assert step_down([[0.0] * 8, [np.nan] * 8]) == [1.0, 1.0]
    assert step_down([[np.nan, 1, 1, 1, 1, 1, 1, 1]])[0] == pytest.approx(2 / 2**7)
    assert min(step_down([np.ones(FEWEST_PAIRS - 1)])) > 0.05 >= min(step_down([np.ones(FEWEST_PAIRS)]))


def test_runs_without_a_change_are_called_worse_or_better_once_in_twenty():
    rng, called = np.random.default_rng(0), 0
    for number in range(60):
        size = (6, 8, 12)[number % 3]
        drawn = [CLIPS[i] for i in rng.permutation(len(CLIPS))]
        findings = diagnose_run(drawn[:size], drawn[size : 2 * size], drawn[-12:])
        called += any(f.kind in {"worse", "better", "broken"} for f in findings)
    assert called <= 3


def test_under_six_pairs_one_sentence_says_how_many_would_tell():
    louder = [replace(clip, lufs=clip.lufs + 6) for clip in CLIPS[:5]]
    findings = diagnose_run(CLIPS[:5], louder, CLIPS[10:22])
    [one] = [f for f in findings if f.name.startswith(("changed", "style"))]
    assert one.kind == "unmeasured"
    assert "5 pairs" in str(one.sentence) and "6 prompts" in str(one.sentence)
    louder = [replace(clip, lufs=clip.lufs + 6) for clip in CLIPS[:6]]
    assert "changed_lufs" in [f.name for f in diagnose_run(CLIPS[:6], louder, CLIPS[10:22])]


def test_a_move_in_the_good_direction_is_not_worse():
    hissy = [replace(clip, flat_white=0.45 + 0.002 * i) for i, clip in enumerate(CLIPS[:8])]
    clean = [replace(clip, flat_white=0.02) for clip in CLIPS[:8]]
    own = [replace(clip, flat_white=0.3) for clip in CLIPS[10:22]]
    kinds = {f.name: f.kind for f in diagnose_run(hissy, clean, own)}
    assert kinds["changed_flat_white"] == "same"  # further from the person's clips, and less noisy than they are
    kinds = {f.name: f.kind for f in diagnose_run(clean, hissy, own)}
    assert kinds["changed_flat_white"] == "better"
    far = [replace(clip, flat_white=0.05) for clip in CLIPS[10:22]]
    kinds = {f.name: f.kind for f in diagnose_run(clean, hissy, far)}
    assert kinds["changed_flat_white"] == "worse"


def test_a_change_is_told_with_its_interval():
    louder = [replace(clip, lufs=clip.lufs + 3 + 0.1 * i) for i, clip in enumerate(CLIPS[:8])]
    [finding] = [f for f in diagnose_run(CLIPS[:8], louder) if f.name == "changed_lufs"]
    assert 3.0 <= finding.evidence["low"] < finding.evidence["difference"] < finding.evidence["high"] <= 3.7
    assert "95 % interval" in str(finding.sentence)


def test_a_fault_that_comes_and_goes_is_not_cured():
    assert chance(8, 8, 2, 8) < 0.05
    assert chance(2, 8, 0, 8) > 0.05
    clipped = [replace(clip, clip_frac=0.02) for clip in CLIPS[:8]]
    kinds = {f.name: f.kind for f in diagnose_run([*clipped[:2], *CLIPS[2:8]], CLIPS[8:16])}
    assert "clipping" not in kinds
    kinds = {f.name: f.kind for f in diagnose_run(clipped, CLIPS[8:16])}
    assert kinds["clipping"] == "better"
