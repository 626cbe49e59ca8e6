from __future__ import annotations

from tunesmith.evaluation.diagnosis import Losses, RunFinding
from tunesmith.evaluation.feature_shift import FEATURES, FeatureShift
from tunesmith.evaluation.verdict import verdict
from tunesmith.recipe.models import Recipe
from tunesmith.records.run_finding import Cause
from tunesmith.texts import Message


def finding(name: str, kind: str = "worse") -> RunFinding:
    words = {part: Message.fixed(en, zh) for part, en, zh in (("title", name, name), ("sentence", "said.", "说。"))}
    return RunFinding(name=name, kind=kind, **words, remedy=Message.fixed(f"mend {name}", "修"))


def test_a_lost_edit_type_is_said_before_flaws_of_some_outputs():
    found = verdict([finding("skipped_clause"), finding("edit_type_emotion")], [], Losses(4.0, 3.0), Recipe(), "speech")
    assert str(found.worse).startswith("edit_type_emotion")
    assert str(found.next) == "mend edit_type_emotion"
    broken = [finding("edit_type_emotion"), finding("noise", "broken")]
    assert verdict(broken, [], None, Recipe(), "speech").worse.render().startswith("noise")


def test_what_was_not_measured_is_never_good_news():
    missing = finding("forgetting", "unmeasured")
    assert str(verdict([missing], [], Losses(4.0, 3.0), Recipe()).worse) == "Nothing that was measured got worse. said."
    assert str(verdict([missing, finding("noise")], [], None, Recipe()).worse) == "noise: said."
    assert verdict([finding("forgetting", "same")], [], None, Recipe()).worse is None


def test_a_strength_that_spoils_what_was_learnt_is_named_first():
    evidence = {"strength": 0.5, "best": 1.348}
    strong = finding("strength").model_copy(update={"evidence": evidence})
    found = verdict([finding("noise", "broken"), finding("heldout_loss"), strong], [], Losses(1.52, 1.754), Recipe())
    assert "1.348 at 0.5 of it" in str(found.learnt)
    assert str(found.worse).startswith("strength") and str(found.next) == "mend strength"


def test_an_adapter_that_does_nothing_is_not_told_to_train_on():
    same = [finding("heldout_loss", "same"), finding("no_effect", "same")]
    assert str(verdict(same, [], Losses(4.0, 4.0), Recipe()).next) == "mend no_effect"


def test_what_to_check_depends_on_what_is_learnt():
    little = Losses(4.0, 3.99)
    assert "captions" in str(verdict([], [], little, Recipe()).next)
    spoken = verdict([], [], little, Recipe(), "speech").next
    assert "transcripts" in spoken.render("en")
    assert "转写" in spoken.render("zh")


def shift(signal: str, base: float, adapter: float, direction: str = "towards") -> FeatureShift:
    """A feature whose own clips lie at 1 ± 0.1."""
    feature = next(feature for feature in FEATURES if feature.signal == signal)
    distances = (abs(value - 1) / 0.1 for value in (base, adapter))
    return FeatureShift(feature, base, adapter, 1.0, 0.1, *distances, direction, 0.01, 8)


def test_the_headline_says_what_came_close_and_what_did_not():
    moved = [
        shift("sub_share", 0.2, 0.9),
        shift("pulse", 0.05, 0.2),
        shift("tempo_bpm", 0.3, 0.98),
        shift("centroid_hz", 1.1, 1.6, "away"),
    ]
    said = str(verdict([], moved, Losses(4.0, 3.0), Recipe()).learnt)
    assert "closer to your clips in share under 120 Hz; further away in brightness (1.6, yours 1)" in said
    assert "still far in clarity of the beat (0.2, yours 1)" in said
    assert "closer to your clips in share under 120 Hz and tempo" not in said and "tempo" not in said
    heard = [moved[0], shift("pulse", 0.05, 0.9), moved[2]]
    assert "tempo" in str(verdict([], heard, Losses(4.0, 3.0), Recipe()).learnt)


def test_the_first_cause_decides_what_to_do_next():
    words = {part: Message.fixed(part) for part in ("title", "sentence")}
    cause = Cause(name="rate", remedy=Message.fixed("slower"), **words)
    found = verdict([finding("noise", "broken")], [], Losses(4.0, 5.0), Recipe(), causes=[cause])
    assert str(found.next) == "slower" and found.causes == (cause,)
