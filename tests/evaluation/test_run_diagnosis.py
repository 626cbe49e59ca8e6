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
from tests.evaluation.probed import probed
from tunesmith.evaluation.diagnosis import Losses, RunData, RunFinding, diagnose_run, judge_run, reference_of
from tunesmith.evaluation.evidence import DataEvidence
from tunesmith.evaluation.signals import Signals, measure
from tunesmith.records.findings import Finding
from tunesmith.records.loss_probes import ScaleLoss
from tunesmith.texts import msg

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


def test_the_data_is_cited_where_it_does_the_same():
    dc = [replace(clip, dc=0.02, dc_ratio=0.2) for clip in GOOD]
    run = RunData(BASE, dc, OWN, reference_of(OWN))
    words = {"message": msg("this clip has an offset of {dc:.3f}", dc=0.05), "remedy": msg("High-pass it at 20 Hz.")}
    found = [Finding(check="dc_offset", level="warn", clip=f"{i}.wav", value=i, **words) for i in range(6)]
    told = {
        finding.name: finding for finding in judge_run(replace(run, data=DataEvidence(8, {"dc_offset": tuple(found)})))
    }
    assert "6 of your 8 training clips do the same; first of them, 5.wav" in str(told["dc_offset"].cause)
    assert told["dc_offset"].remedy == words["remedy"]
    clean = DataEvidence(8, {})
    assert str(by_rule(judge_run(replace(run, data=clean)))["dc_offset"].cause) == ""
    own = by_rule(judge_run(replace(run, base=dc, data=clean)))["dc_offset"]
    assert "None of your 8 training clips does this" in str(own.cause)


@pytest.mark.parametrize(("name", "rule"), [("fade 20", "fade"), ("shuffled", "incoherent"), ("pink noise", "noise")])
def test_a_run_whose_outputs_fail_is_broken(name, rule):
    finding = by_rule(diagnose_run(BASE, outputs(name), OWN))[rule]
    assert finding.kind == "broken"
    assert "8 of 8 outputs, 0 of 8 from the base model" in str(finding.sentence)
    assert str(finding.cause) == "", "nothing was measured that would tell why"
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


@pytest.mark.parametrize(
    ("style", "kind", "words"),
    [(3.03, "same", "kept"), (3.3, "same", "30% of the way"), (4.2, "worse", "as strange to it now")],
)
def test_forgetting_is_put_in_proportion_to_how_new_the_clips_were(style, kind, words):
    finding = by_rule(diagnose_run(None, GOOD, losses=Losses(4.0, 3.0, 3.0, style)))["forgetting"]
    assert finding.kind == kind and words in str(finding.sentence)
    assert bool(str(finding.remedy)) == (style > 3.1)


def test_where_half_of_what_was_forgotten_is_gone_is_told():
    style = tuple(ScaleLoss(scale=scale, loss=loss) for scale, loss in ((0, 2.0), (0.25, 2.1), (0.5, 2.4), (1.0, 3.2)))
    losses = Losses(4.0, 3.0, 2.0, 3.2, probes=probed().model_copy(update={"base_style": style}))
    finding = by_rule(diagnose_run(None, GOOD, losses=losses))["forgetting"]
    assert finding.evidence["half_at"] == pytest.approx(0.5 + 0.5 * 0.2 / 0.8)
    assert "scale 0.62 half of it is gone" in str(finding.remedy)


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
