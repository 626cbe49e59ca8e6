"""Which checkpoint is called best: held-out loss decides, previews may object, and nothing is best by default."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tunesmith.training.best import (
    Measurement,
    decide_best,
    judge,
    nothing_best_yet,
    out_of_patience,
    run_end,
    stage_end,
)
from tunesmith.training.progress import Progress, stage_record

UNDERWAY = Progress(update=20, stage_began=10, first_loss=4.0, best_loss=3.0, best_update=15, without_best=1)


def measured(loss: float, **terms: float) -> Measurement:
    return Measurement(loss, terms or {"loss": loss})


def test_what_a_stage_begins_with_is_to_be_beaten_and_never_best():
    begun = Progress(update=10, stage_began=10, without_best=0)
    decision = decide_best(measured(4.0), begun)
    assert (decision.verdict, decision.best) == ("begins", False)
    assert (decision.progress.first_loss, decision.progress.best_loss, decision.progress.best_update) == (
        4.0,
        4.0,
        None,
    )
    assert begun.best_loss is None, "the function is pure"


def test_a_beginning_that_is_not_finite_is_beaten_by_anything():
    begun = decide_best(measured(math.nan), Progress()).progress
    assert math.isnan(begun.first_loss) and begun.best_loss is None
    begun.update = 5
    assert decide_best(measured(100.0), begun).best


def test_only_a_lower_loss_is_best():
    decision = decide_best(measured(2.9), UNDERWAY)
    assert decision.best
    assert (decision.progress.best_loss, decision.progress.best_update) == (3.0, 15), "until previews have judged it"
    assert (decision.progress.candidates, decision.progress.without_best) == ([(20, 2.9)], 0)
    best = judge(decision.progress)
    assert (best.best_loss, best.best_update, best.candidates, best.first_loss) == (2.9, 20, [], 4.0)


@pytest.mark.parametrize("loss", [3.0, 3.1, math.nan, -math.inf, math.inf])
def test_an_equal_a_higher_or_no_number_is_not(loss):
    decision = decide_best(measured(loss), UNDERWAY)
    assert (decision.verdict, decision.best) == ("worse", False)
    assert (decision.progress.best_loss, decision.progress.best_update, decision.progress.without_best) == (3.0, 15, 2)


def test_previews_that_are_no_sound_object_to_the_lowest_loss_and_a_later_one_may_still_be_best():
    vetoed = judge(decide_best(measured(1.0), UNDERWAY).progress, ["silence"])
    assert (vetoed.best_loss, vetoed.best_update, vetoed.candidates) == (3.0, 15, [])
    vetoed.update = 25
    assert judge(decide_best(measured(2.0), vetoed).progress).best_update == 25


def test_the_first_and_the_lowest_wait_for_previews_and_the_first_is_judged_after_a_veto():
    progress = UNDERWAY
    for update, loss in ((20, 2.9), (22, 2.5), (24, 2.7), (26, 2.0)):
        progress = replace(decide_best(measured(loss), replace(progress, update=update)).progress)
    assert progress.candidates == [(20, 2.9), (26, 2.0)] and UNDERWAY.candidates == []
    vetoed = judge(progress, ["silence"])
    assert vetoed.candidates == [(20, 2.9)]
    assert (judge(vetoed).best_update, judge(vetoed).best_loss) == (20, 2.9)
    assert judge(vetoed, ["silence"]).best_update == 15


def test_how_long_a_stage_trains_does_not_depend_on_when_previews_are_made():
    """Early stopping would otherwise end a run at another update on a slower machine, which has fewer rounds."""
    early, late = UNDERWAY, UNDERWAY
    patience = []
    for update, loss in ((20, 2.5), (22, 2.8), (24, 2.6)):
        early = decide_best(measured(loss), replace(early, update=update)).progress
        late = decide_best(measured(loss), replace(late, update=update)).progress
        early = judge(early, ["silence"]) if early.candidates else early
        patience.append((early.without_best, late.without_best))
    assert patience == [(0, 0), (1, 1), (2, 2)]


def test_a_checkpoint_of_an_earlier_version_knows_no_lowest_loss():
    assert UNDERWAY.lowest_loss is None
    assert decide_best(measured(3.5), UNDERWAY).progress.without_best == 2
    assert decide_best(measured(2.5), UNDERWAY).progress.lowest_loss == 2.5


def test_without_a_term_nothing_is_measured_and_nothing_changes():
    decision = decide_best(Measurement(0.0, {}), UNDERWAY)
    assert (decision.verdict, decision.best, decision.progress) == ("unmeasured", False, UNDERWAY)
    beginning = Progress()
    assert decide_best(Measurement(0.0, {}), beginning).progress.first_loss is None


def test_patience_counts_measurements_and_zero_is_endless():
    assert not out_of_patience(Progress(without_best=2), 3)
    assert out_of_patience(Progress(without_best=3), 3)
    assert out_of_patience(Progress(without_best=4), 3)
    assert not out_of_patience(Progress(without_best=9), 0)


def test_a_stage_hands_on_its_best_or_its_beginning_or_what_nothing_could_measure():
    assert stage_end(stage_record(UNDERWAY, "one")) == "best"
    assert stage_end(stage_record(Progress(first_loss=4.0, best_loss=4.0), "one")) == "beginning"
    assert stage_end(stage_record(Progress(), "one")) == "last"


def test_what_best_model_is_after_a_run():
    found = {"first_loss": 4.0, "best_update": 15}
    nothing, unmeasured = {"first_loss": 4.0, "best_update": None}, {"first_loss": None, "best_update": None}
    assert run_end([found]) == run_end([found, nothing]) == run_end([nothing, found]) == "kept"
    assert run_end([unmeasured, found]) == "kept"
    assert run_end([found, unmeasured]) == "last_stage"
    assert run_end([nothing]) == run_end([unmeasured]) == run_end([nothing, unmeasured]) == "last"


def test_nothing_is_best_where_a_stage_begins():
    begun = Progress(**nothing_best_yet(2.5))
    assert (begun.best_loss, begun.best_update, begun.without_best, begun.finished) == (2.5, None, 0, False)
    assert nothing_best_yet()["best_loss"] is None
