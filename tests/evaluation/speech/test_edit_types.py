"""Each edit type compared: better, worse, unchanged, or not to be told."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from tests.evaluation.speech.talk import RATE, talk
from tunesmith.evaluation.diagnosis import Losses, RunData, judge_run
from tunesmith.evaluation.signals import Signals, measure
from tunesmith.evaluation.speech.edit_types import by_edit_type, length_error, skipped
from tunesmith.evaluation.speech.signals import SpeechSignals

PLAIN = measure(talk("when the bell rang, the children ran outside").T, RATE)
GOOD = SpeechSignals(
    **{field.name: getattr(PLAIN, field.name) for field in fields(Signals)}, error_rate=0.05, left_out=0.0,
    text_length=8, spoken_s=2.0, duration_ratio=1.0, target_known=1, stretches=2, clauses=2, floor_db=-35.0,
    speech_rate=5.0,
    voice_prompt=0.8, voice_own=0.75,
)  # fmt: skip
RNG = np.random.default_rng(0)


def outputs(count: int, **changes: float) -> list[SpeechSignals]:
    """Good ones that scatter a little, changed in the mean."""
    values = {
        name: getattr(GOOD, name) + changes.get(name, 0.0) for name in ("error_rate", "voice_prompt", "voice_own")
    }
    made = [{name: value + 0.004 * RNG.standard_normal() for name, value in values.items()} for _ in range(count)]
    return [
        replace(GOOD, **one, duration_ratio=GOOD.duration_ratio + changes.get("duration_ratio", 0.0)) for one in made
    ]


def findings(base, adapter, kinds, losses=None):
    found = judge_run(RunData(base, adapter, losses=losses, profile="speech", kinds=kinds))
    return {f.name: f for f in found if f.name.startswith("edit_type")}


def test_one_type_worse_one_better_one_unchanged():
    kinds = ["clone"] * 8 + ["emotion"] * 8 + ["style"] * 8
    base = outputs(8) + outputs(8) + outputs(8)
    adapter = outputs(8, voice_own=0.15) + outputs(8, error_rate=0.2) + outputs(8)
    types = {one.name: one for one in by_edit_type(kinds, base, adapter)}
    assert {name: one.judgement for name, one in types.items()} == {
        "clone": "better", "emotion": "worse", "style": "unchanged",
    }  # fmt: skip
    found = findings(base, adapter, kinds)
    assert found["edit_type_clone"].kind == "better"
    assert "likeness to the speaker" in str(found["edit_type_clone"].sentence)
    assert found["edit_type_emotion"].kind == "worse"
    assert "error rate from 5 % to 25 %" in str(found["edit_type_emotion"].sentence)
    assert "data.replay" in str(found["edit_type_emotion"].remedy)
    assert "style" in str(found["edit_types_kept"].sentence)
    assert "风格" in found["edit_types_kept"].sentence.render("zh")


def test_a_worse_clone_is_not_answered_with_replay():
    found = findings(outputs(8), outputs(8, voice_prompt=-0.3), ["clone"] * 8)["edit_type_clone"]
    assert found.kind == "worse"
    assert "replay" not in str(found.remedy)


def test_four_outputs_tell_nothing_and_it_is_said_how_many_would():
    kinds = ["clone"] * 4 + ["speed"] * 4
    found = findings(outputs(8), outputs(8, error_rate=0.5), kinds)
    assert set(found) == {"edit_types_unknown"}
    assert "evaluate.count to 14" in str(found["edit_types_unknown"].remedy)
    assert "7 pairs" in str(found["edit_types_unknown"].cause)


def test_scatter_is_told_from_too_few():
    wild = [replace(one, voice_prompt=float(RNG.uniform(-1, 1))) for one in outputs(8)]
    found = findings(outputs(8), wild, ["clone"] * 8)["edit_types_unknown"]
    assert "scatter" in str(found.cause)
    assert "evaluate.count to 16" in str(found.remedy)


def test_losses_speak_of_types_that_were_not_generated():
    by_type = {"emotion": ([2.0 + 0.01 * i for i in range(8)], [2.4 + 0.011 * i for i in range(8)])}
    found = findings(outputs(8), outputs(8), ["clone"] * 8, Losses(2.0, 2.1, by_type=by_type))["edit_type_emotion"]
    assert "held-out loss from 2.035 to 2.438" in str(found.sentence)


def test_without_a_base_there_are_means_and_no_judgement():
    [one] = by_edit_type(["clone"] * 8, None, outputs(8), [("clone", GOOD), ("style", GOOD)])
    assert one.judgement == "unknown"
    rate = next(c for c in one.compared if c.name == "error_rate")
    assert np.isnan(rate.base)
    assert rate.adapter == pytest.approx(0.05, abs=0.01)
    assert rate.reference == 0.05
    assert findings(None, outputs(8), ["clone"] * 8) == {}


def test_the_sound_is_compared_on_clones_alone():
    whispered = [replace(one, speech_rate=2.0) for one in outputs(8)]
    kinds = ["clone"] * 8 + ["style"] * 8
    run = RunData(
        outputs(16),
        outputs(8) + whispered,
        [GOOD] * 3,
        profile="speech",
        kinds=kinds,
        clip_kinds=["clone", "style", "clone"],
    )
    base, adapter, clips = run.alike
    assert (len(base), len(clips)) == (8, 2)
    assert {one.speech_rate for one in adapter} == {5.0}
    edits = RunData(None, whispered, [GOOD], profile="speech", kinds=["style"] * 8, clip_kinds=["style"])
    assert edits.alike == (None, whispered, [GOOD])


def test_music_has_no_edit_types():
    assert findings([PLAIN] * 8, [PLAIN] * 8, ()) == {}


def test_measures_without_a_value_are_left_out():
    silent = [replace(one, error_rate=np.nan, left_out=np.nan) for one in outputs(8)]
    [one] = by_edit_type(["clone"] * 8, silent, silent)
    assert [c.name for c in one.compared] == ["skipped", "length_error", "floor_db", "voice_prompt", "voice_own"]


@pytest.mark.parametrize(("ratio", "error"), [(1.0, 0.0), (2.0, 1.0), (0.5, 1.0), (1.25, 0.25)])
def test_length_error_is_the_same_both_ways(ratio, error):
    assert length_error(replace(GOOD, duration_ratio=ratio)) == pytest.approx(error)


def test_skipped():
    assert skipped(GOOD) == 0.0
    assert skipped(replace(GOOD, duration_ratio=0.5)) == 1.0
    assert skipped(replace(GOOD, lufs=-70.0)) == 1.0
    assert np.isnan(skipped(replace(GOOD, duration_ratio=np.nan, left_out=np.nan)))


def test_how_good_it_sounds_is_compared_pair_by_pair_where_it_was_rated():
    def rated(mean: float) -> list[SpeechSignals]:
        around = np.linspace(-0.05, 0.05, 9)
        return [replace(one, mos=mean + off) for one, off in zip(outputs(9), around, strict=True)]

    base, adapter = rated(3.0)[:8], rated(2.2)[:8]
    [compared] = [c for c in by_edit_type(["clone"] * 8, base, adapter)[0].compared if c.name == "mos"]
    assert compared.judgement == "worse" and compared.difference.high < -0.2
    run = RunData(base, adapter, rated(3.1), profile="speech", kinds=["clone"] * 8)
    [changed] = [found for found in judge_run(run) if found.name == "changed_mos"]
    assert changed.kind == "worse" and "your own clips 3.1" in str(changed.sentence)
    better = RunData(adapter, base, rated(3.1), profile="speech", kinds=["clone"] * 8)
    assert [found.kind for found in judge_run(better) if found.name == "changed_mos"] == ["better"]
    unrated = RunData(outputs(8), outputs(8), profile="speech", kinds=["clone"] * 8)
    assert not [found for found in judge_run(unrated) if found.name == "changed_mos"]
    assert "mos" not in {c.name for c in by_edit_type(["clone"] * 8, outputs(8), outputs(8))[0].compared}
