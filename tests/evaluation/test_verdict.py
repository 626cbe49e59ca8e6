from __future__ import annotations

from tunesmith.evaluation.diagnosis import Losses, RunFinding
from tunesmith.evaluation.verdict import verdict
from tunesmith.recipe.models import Recipe
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
