"""A whole run, judged: broken, worse, better or the same, each for its own reason."""

from __future__ import annotations

import functools
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation import failures
from tests.evaluation.music import RATE, measured, song
from tunesmith.evaluation.diagnosis import Losses, RunFinding, diagnose_run
from tunesmith.evaluation.signals import Signals, measure
from tunesmith.records.loss_probes import LossProbes, ProbePair, ScaleLoss, WeightChange

OWN = tuple(measured(seed) for seed in range(12))
BASE = tuple(measured(seed) for seed in range(20, 28))
GOOD = tuple(measured(seed) for seed in range(30, 38))


@functools.cache
def outputs(name: str, share: float = 1.0) -> list[Signals]:
    made = {"fade 6": failures.fade(6), "fade 20": failures.fade(20), "shuffled": failures.shuffle_frames}.get(name)
    failure = made or failures.EXPECTED[name][0]
    rng = np.random.default_rng(0)
    broken = [measure(failure(song(seed), RATE, rng), RATE) for seed in range(20, 28)]
    return broken[: round(8 * share)] + list(BASE[round(8 * share) :])


def by_rule(findings: list[RunFinding]) -> dict[str, RunFinding]:
    for finding in findings:
        json.dumps(finding.to_json(), allow_nan=False)
        assert str(finding.sentence)
        assert re.search("[\u4e00-\u9fff]", finding.sentence.render("zh"))
    return {finding.name: finding for finding in findings}


def test_a_good_run_breaks_nothing():
    findings = by_rule(diagnose_run(BASE, GOOD, OWN, Losses(4.0, 3.5, 4.0, 4.02, heldout_clips=3)))
    assert findings["heldout_loss"].kind == "better"
    assert "3 clips" in str(findings["heldout_loss"].sentence)
    assert findings["forgetting"].kind == "same"
    assert {f.kind for f in findings.values()} <= {"better", "same"}


@pytest.mark.parametrize(("name", "rule"), [("fade 20", "fade"), ("shuffled", "incoherent"), ("pink noise", "noise")])
def test_a_run_whose_outputs_fail_is_broken(name, rule):
    finding = by_rule(diagnose_run(BASE, outputs(name), OWN))[rule]
    assert finding.kind == "broken"
    assert "8 of 8 outputs, 0 of 8 from the base model" in str(finding.sentence)
    assert str(finding.cause)
    assert re.search("[\u4e00-\u9fff]", finding.remedy.render("zh"))


def test_a_quarter_of_the_outputs_makes_a_verdict_and_one_in_eight_does_not():
    assert "clipping" in by_rule(diagnose_run(BASE, outputs("clipped 9 dB", 0.25), OWN))
    assert "clipping" not in by_rule(diagnose_run(BASE, outputs("clipped 9 dB", 0.125), OWN))


def test_a_flaw_the_base_shares_is_no_fault_of_the_training():
    clipped = outputs("clipped 9 dB")
    finding = by_rule(diagnose_run(clipped, clipped, OWN))["clipping"]
    assert finding.kind == "same"
    assert "base model does the same" in str(finding.remedy)
    assert by_rule(diagnose_run(BASE, clipped, OWN))["clipping"].kind == "worse"
    assert by_rule(diagnose_run(clipped, GOOD, OWN))["clipping"].kind == "better"


def test_a_fault_of_the_own_clips_is_set_aside_aloud():
    mono = [measure(failures.mono(song(seed), RATE, np.random.default_rng(0)), RATE) for seed in range(8)]
    finding = by_rule(diagnose_run(BASE, mono, mono))["mono"]
    assert finding.kind == "same"
    assert "your own clips measure the same (8 of 8)" in str(finding.sentence)


def test_a_slight_fade_is_found_by_the_group_only():
    slight = outputs("fade 6")
    findings = by_rule(diagnose_run(BASE, slight, OWN))
    assert "fade" not in findings
    assert findings["fade_group"].kind == "worse"
    assert findings["fade_group"].evidence["p_value"] < 0.01
    assert by_rule(diagnose_run(slight, slight, OWN))["fade_group"].kind == "same"
    assert "fade_group" not in by_rule(diagnose_run(BASE, GOOD, OWN))
    assert "fade_group" not in by_rule(diagnose_run(BASE, outputs("fade 20"), OWN))  # said once, by the stronger rule


def test_paired_changes_are_told_with_n_and_direction():
    louder = [replace(clip, lufs=clip.lufs + 3 + 0.1 * number) for number, clip in enumerate(BASE)]
    quiet_own = [replace(clip, lufs=BASE[0].lufs - 6) for clip in OWN]
    loud_own = [replace(clip, lufs=BASE[0].lufs + 6) for clip in OWN]
    assert by_rule(diagnose_run(BASE, louder))["changed_lufs"].kind == "same"
    assert by_rule(diagnose_run(BASE, louder, quiet_own))["changed_lufs"].kind == "worse"
    finding = by_rule(diagnose_run(BASE, louder, loud_own))["changed_lufs"]
    assert finding.kind == "better"
    assert finding.evidence["n"] == 8
    assert finding.evidence["p_value"] == pytest.approx(2 / 2**8)
    assert "over 8 pairs" in str(finding.sentence)
    assert "changed_lufs" not in by_rule(diagnose_run(BASE[:4], louder[:4]))  # four pairs prove nothing


def test_an_adapter_without_effect_is_named():
    assert by_rule(diagnose_run(BASE, BASE, OWN))["no_effect"].evidence["identical"] == 8
    assert "no_effect" in by_rule(diagnose_run(None, GOOD, losses=Losses(4.0, 4.0)))
    assert "no_effect" not in by_rule(diagnose_run(BASE, GOOD, OWN, Losses(4.0, 3.9)))


@pytest.mark.parametrize(
    ("after", "kind", "word"), [(3.9, "better", "learnt"), (4.01, "same", "hardly"), (float("nan"), "broken", "number")]
)
def test_held_out_loss_decides(after, kind, word):
    finding = by_rule(diagnose_run(None, GOOD, losses=Losses(4.0, after)))["heldout_loss"]
    assert finding.kind == kind and word in str(finding.sentence)
    assert str(finding.cause) == "", "nothing was measured that would tell why"


def probed(base: float = 4.0, adapter: float = 3.5, moved: float = 0.03, **scales: float) -> LossProbes:
    """Probes of 8 training clips; ``half=3.0`` is the held-out loss at half the strength."""
    at = {"off": 0.0, "quarter": 0.25, "half": 0.5, "whole": 1.0, "twice": 2.0}
    return LossProbes(
        clips=8,
        train=ProbePair(base=base, adapter=adapter),
        swapped=None,
        held_out_clips=3,
        held_out=None,
        held_out_swapped=None,
        scales=tuple(ScaleLoss(scale=at[name], loss=loss) for name, loss in scales.items()),
        change=WeightChange(median=moved, largest=2 * moved, layer="layers.0.q_proj", layers=10),
    )


@pytest.mark.parametrize(
    ("after", "probes", "cause", "remedy"),
    [
        (
            5.1,
            probed(4.0, 0.34),
            "by heart: the loss of 8 clips that it was trained on went from 4.000 to 0.340",
            "few",
        ),
        (4.0, probed(4.0, 2.0), "by heart", "fewer updates"),
        (4.4, probed(4.0, 4.3), "does not even predict what it was trained on", "third of the learning rate"),
        (4.0, probed(4.0, 3.99, 0.001), "hardly trained: its layers move the weights by 0.10%", "as long"),
        (4.0, probed(4.0, 3.99, 0.03), "Nothing was learnt of the training clips either", "belong together"),
        (3.5, probed(4.0, 3.4), "", ""),
    ],
)
def test_a_cause_is_named_by_what_was_measured(after, probes, cause, remedy):
    finding = by_rule(diagnose_run(None, GOOD, losses=Losses(4.0, after, probes=probes)))["heldout_loss"]
    assert cause in str(finding.cause) and remedy in str(finding.remedy)
    assert bool(str(finding.cause)) == bool(cause)


def test_an_adapter_that_acts_too_strongly_is_told_by_weaker_ones():
    strong = probed(off=3.57, quarter=2.9, half=2.36, whole=4.95)
    finding = by_rule(diagnose_run(None, GOOD, losses=Losses(3.57, 4.95, probes=strong)))["strength"]
    assert "strength of 0.5 the loss is 2.360, at 1 it is 4.950" in str(finding.sentence)
    assert "scale 0.5" in str(finding.remedy)
    for good in (
        probed(off=3.57, half=2.63, whole=2.36, twice=2.75),
        probed(off=3.57, half=2.63, whole=2.65, twice=3.0),
        probed(off=3.0, half=3.2, whole=4.0),  # better left off: the held-out loss says so
    ):
        assert "strength" not in by_rule(diagnose_run(None, GOOD, losses=Losses(3.57, 2.36, probes=good)))


def test_an_inert_adapter_is_told_from_one_that_was_hardly_trained():
    for moved, remedy in ((0.0, "alpha are 0"), (0.0001, "Train longer")):
        losses = Losses(4.0, 4.0, probes=probed(4.0, 4.0, moved))
        assert remedy in str(by_rule(diagnose_run(BASE, BASE, OWN, losses))["no_effect"].remedy)


def test_forgetting_is_named():
    finding = by_rule(diagnose_run(None, GOOD, losses=Losses(4.0, 3.0, 3.0, 3.3)))["forgetting"]
    assert finding.kind == "worse"
    assert "+10.0 %" in str(finding.sentence)


@pytest.mark.parametrize("losses", [None, Losses(4.0, 3.0), Losses(4.0, 3.0, 3.0, None)])
def test_forgetting_that_was_not_measured_is_said_as_missing(losses):
    finding = by_rule(diagnose_run(None, GOOD, losses=losses))["forgetting"]
    assert finding.kind == "unmeasured"
    assert "not measured" in str(finding.sentence) and "evaluate.forgetting_prompts" in str(finding.remedy)


def test_style_counts_what_moved():
    far = [replace(clip, sub_share=0.01, pulse=0.05, low_env_std_db=1.0) for clip in BASE]
    assert by_rule(diagnose_run(far, GOOD, OWN))["style"].kind == "better"
    assert by_rule(diagnose_run(GOOD, far, OWN))["style"].kind == "worse"
    assert "style" not in by_rule(diagnose_run(far, far, OWN))


def test_the_worst_comes_first_and_the_shortest_run_is_judged_too():
    kinds = [f.kind for f in diagnose_run(BASE, outputs("fade 20"), OWN, Losses(4.0, 3.0, 3.0, 3.3))]
    order = ["broken", "worse", "better", "same"]
    assert kinds == sorted(kinds, key=order.index)
    assert kinds[0] == "broken"
    assert diagnose_run(None, []) == []
    assert diagnose_run([], [], [], Losses()) == []
    assert by_rule(diagnose_run(None, [outputs("silence")[0]]))["silent"].kind == "broken"
