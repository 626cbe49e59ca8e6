"""Causes are named by what was measured in the run, the one that explains the others first, and none in good runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation.probed import probed
from tunesmith.evaluation.causes import find_causes
from tunesmith.evaluation.causes.captions import BY_CHANCE, CLEAR, fit_by_chance, is_clear
from tunesmith.evaluation.diagnosis import Losses, RunData
from tunesmith.evaluation.diagnosis.forgetting import half_gone, half_may_be_under_half
from tunesmith.evaluation.evidence import DataEvidence, HeldOut, SilentClip, TrainingEvidence
from tunesmith.evaluation.explain import explained
from tunesmith.evaluation.strengths import quarter_may_be_best
from tunesmith.records.loss_probes import ScaleLoss
from tunesmith.records.run_finding import RunFinding
from tunesmith.texts import Message

TRAINED = TrainingEvidence(
    updates=100,
    passes=30,
    clips=8,
    learning_rate=1e-4,
    first_terms={"loss": 4.0},
    kept=3.0,
    losses=tuple((update, 4.0 - update / 100) for update in (1, 20, 40, 60, 80, 100)),
    held_out=tuple(HeldOut("train", update, loss) for update, loss in ((0, 4.0), (50, 3.2), (100, 3.0))),
    base_then="base (1)",
    base_now="base (1)",
    strength=1.0,
)
GOOD = Losses(4.0, 3.0, probes=probed(4.0, 3.1, off=4.0, half=3.4, whole=3.0, twice=3.3), base_terms={"loss": 4.0})


def named(losses: Losses = GOOD, training: TrainingEvidence | None = TRAINED, data: DataEvidence | None = None):
    return find_causes(RunData(None, (), losses=losses, training=training, data=data))


def test_a_good_run_has_no_causes():
    assert named() == ()
    silent_base = replace(GOOD, probes=probed(4.0, 3.1, silence=(1.3, 2.8), gains=((0.9, 0.1, -0.2, 0.4, 0.7), (0.3,))))
    assert named(silent_base) == ()


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
        (3.9, probed(4.0, 2.8), "8% of that gain holds", "fewer updates"),
        (4.4, probed(4.0, 4.3), "does not even predict what it was trained on", "third of the learning rate"),
        (4.0, probed(4.0, 3.99, 0.001), "hardly trained: its layers move the weights by 0.10%", "as long"),
        (4.0, probed(4.0, 4.0, 0.0), "moves the weights at all", "alpha are 0"),
        (4.5, probed(4.0, 4.5, 2.3), "2.3 times as large", "learning_rate"),
        (4.95, probed(4.0, 4.5, quarter=2.9, half=2.36, whole=4.95, off=3.57), "lowest at 0.5", "scale 0.5"),
    ],
)
def test_a_cause_is_named_by_what_was_measured(after, probes, cause, remedy):
    first = named(Losses(4.0, after, probes=probes), replace(TRAINED, losses=(), held_out=()))[0]
    assert cause in str(first.sentence) and remedy in str(first.remedy)


def test_another_strength_than_trained_is_no_matter_of_training():
    strong = replace(GOOD, adapter_heldout=4.95, probes=probed(4.0, 5.0, off=4.0, quarter=3.0, whole=4.95))
    (cause,) = named(strong, replace(TRAINED, strength=4.0))
    assert cause.name == "other_strength" and "4 times the strength" in str(cause.sentence)
    assert "scale 0.25" in str(cause.remedy)
    assert named(GOOD, replace(TRAINED, strength=4.0)) == (), "the file says so, but it measures as it did"


def test_another_base_is_told_from_another_objective():
    moved = replace(GOOD, base_terms={"loss": 4.9})
    assert [c.name for c in named(moved, replace(TRAINED, base_now="base (2)"))] == ["other_base"]
    assert [c.name for c in named(moved)] == ["objective"]
    fewer_clips = replace(TRAINED, lost=1)
    assert named(moved, fewer_clips) == (), "the loss of the clips that are left is another one"
    assert named(GOOD, replace(TRAINED, base_now="base (2)")) == (), "another name for a base that measures the same"


def test_training_whose_own_loss_falls_while_its_clips_get_worse_is_of_something_else():
    (cause,) = named(replace(GOOD, adapter_heldout=4.4, probes=probed(4.0, 4.4)))
    assert cause.name == "objective" and "rose from 4.000 to 4.400" in str(cause.sentence)


def test_silence_that_was_learnt_is_the_clips_or_the_paddings():
    learnt = replace(GOOD, probes=probed(4.0, 3.1, silence=(3.0, 0.4)))
    assert [c.name for c in named(learnt)] == ["padding"]
    data = DataEvidence(8, silent=(SilentClip("b.wav", 4.6, 0.46), SilentClip("a.wav", 2.0, 0.2)))
    cause = named(learnt, data=data)[0]
    assert cause.name == "silent_clips" and "2 of 8" in str(cause.sentence) and "4.6 s" in str(cause.sentence)
    assert "b.wav, a.wav" in str(cause.remedy)
    assert named(GOOD, data=data) == (), "silence in the clips that was not learnt is the check's matter"


def test_captions_of_other_clips_gain_nothing():
    useless = ((0.1, -0.2, -0.1, 0.05, -0.3, 0.0), (-0.1, 0.02, 0.6))
    assert [c.name for c in named(replace(GOOD, probes=probed(4.0, 3.1, gains=useless)))] == ["captions"]
    helped = (useless[0], (0.9, 0.8, 0.7))
    assert named(replace(GOOD, probes=probed(4.0, 3.1, gains=helped))) == (), "the adapter learnt what they mean"
    few = (useless[0][:3], (-0.1,))
    assert named(replace(GOOD, probes=probed(4.0, 3.1, gains=few))) == ()


def assigned(own: np.ndarray, seed: int = 0) -> tuple[tuple[float, ...], ...]:
    """Losses of eight clips under eight captions: some of both are easier, and clip ``i`` fits ``own[i]``."""
    rng = np.random.default_rng(seed)
    losses = 4 + rng.normal(0, 1, (8, 1)) + rng.normal(0, 0.3, (1, 8)) + rng.normal(0, 0.03, (8, 8))
    losses[np.arange(8), own] -= 0.1
    return tuple(map(tuple, losses))


def test_captions_that_fit_no_better_than_at_random_are_of_other_clips():
    def of(own: np.ndarray, held_out: float) -> list[str]:
        gains = ((0.1,) * 8, (held_out,) * 3)
        probes = probed(4.0, 3.1, gains=gains).model_copy(update={"assigned": assigned(own)})
        return [cause.name for cause in named(replace(GOOD, probes=probes))]

    assert of(np.arange(8), 0.0) == [], "they fit, though clips and captions differ by far more than that"
    assert of(np.roll(np.arange(8), 3), 0.0) == ["captions"]
    assert of(np.roll(np.arange(8), 3), 0.05) == [], "the adapter learnt words that the base did not know"


def test_what_a_clip_and_a_caption_cost_by_themselves_does_not_count():
    losses = np.array(assigned(np.arange(8)))
    fit = fit_by_chance(losses)
    assert fit_by_chance(losses + np.arange(8) + 5 * np.arange(8)[:, None]) == pytest.approx(fit)
    assert fit[0] == pytest.approx(0.1, abs=0.03) and fit[1] < 0.01


def test_the_first_look_is_enough_only_where_captions_fit_for_certain():
    fits = assigned(np.arange(8))
    assert is_clear(fits) and not is_clear(assigned(np.roll(np.arange(8), 3)))
    assert not is_clear([row[:6] for row in fits[:6]]), "six captions tell nothing"
    assert not is_clear([(None, *fits[0][1:]), *fits[1:]])


def test_what_the_first_look_would_let_pass_counts_in_the_second():
    """Else two looks would let captions of others pass more often than one."""
    whole, first = (np.random.default_rng(seed).normal(4, 1, (8, 8)) for seed in (636, 1))
    alone, both = fit_by_chance(whole)[1], fit_by_chance(whole, first)[1]
    assert alone < BY_CHANCE <= both == pytest.approx(alone + CLEAR * (1 - alone), abs=0.004)
    assert not is_clear(first) and not is_clear(whole)
    assert fit_by_chance(whole, whole) == fit_by_chance(whole), "a second look that says nothing new costs nothing"

    def named_by(first: tuple[tuple[float, ...], ...]) -> list[str]:
        looks = {"assigned": tuple(map(tuple, whole)), "assigned_first": first}
        probes = probed(4.0, 3.1, gains=((0.1,) * 8, (0.0,) * 3)).model_copy(update=looks)
        return [cause.name for cause in named(replace(GOOD, probes=probes))]

    assert named_by(()) == [] and named_by(tuple(map(tuple, first))) == ["captions"]


@pytest.mark.parametrize(
    ("half", "whole", "asked"), [(3.4, 3.0, False), (3.0, 3.4, True), (None, 3.4, True), (3.4, None, True)]
)
def test_a_quarter_may_be_best_only_where_half_is_better_than_all(half, whole, asked):
    at = [ScaleLoss(scale=scale, loss=loss) for scale, loss in ((0.0, 4.0), (0.5, half), (1.0, whole))]
    assert quarter_may_be_best(at) == asked


@pytest.mark.parametrize(
    ("half", "whole", "asked"), [(4.4, 5.0, False), (4.6, 5.0, True), (None, 5.0, True), (4.4, 3.9, False)]
)
def test_a_quarter_tells_where_half_of_a_rise_is_gone_only_under_half(half, whole, asked):
    at = [ScaleLoss(scale=scale, loss=loss) for scale, loss in ((0.0, 4.0), (0.5, half), (1.0, whole))]
    assert half_may_be_under_half(at) == asked
    if not asked and whole > 4.0:
        assert half_gone(at) == half_gone([*at, ScaleLoss(scale=0.25, loss=4.2)])


def test_a_held_out_loss_that_turned_is_told_by_the_curve():
    turned = tuple(HeldOut("train", update, loss) for update, loss in ((0, 4.0), (25, 3.0), (50, 3.4), (100, 3.9)))
    cause = named(training=replace(TRAINED, held_out=turned))[0]
    assert cause.name == "by_heart" and "From update 25" in str(cause.sentence) and "90%" in str(cause.sentence)
    stays = (*turned[:2], HeldOut("train", 100, 3.2))
    assert named(training=replace(TRAINED, held_out=stays)) == ()


def test_a_fault_gets_the_first_cause_unless_it_has_its_own_or_the_base_has_it():
    def finding(name: str, kind="broken", cause="", **evidence: float) -> RunFinding:
        words = {"title": Message.fixed(name), "sentence": Message.fixed(name), "remedy": Message.fixed("look")}
        return RunFinding(name=name, kind=kind, cause=Message.fixed(cause), evidence=evidence, **words)

    causes = named(Losses(4.0, 4.0, probes=probed(4.0, 2.0)), replace(TRAINED, losses=(), held_out=()))
    mine = finding("noise")
    own = finding("dc_offset", "worse", "8 of 8 clips do the same")
    old = finding("fade", "worse", flagged=8, outputs=8, base_flagged=8, base_outputs=8)
    good = finding("style", "better")
    first, *others = explained([mine, own, old, good], causes)
    assert first.cause == causes[0].sentence and first.remedy == causes[0].remedy
    assert others == [own, old, good]
    assert explained([mine], ()) == [mine]
