from __future__ import annotations

from tunesmith.evaluation.diagnosis import Losses, RunFinding, Text
from tunesmith.evaluation.verdict import verdict
from tunesmith.recipe.models import Recipe


def finding(rule: str, kind: str = "worse") -> RunFinding:
    return RunFinding(rule, kind, Text(rule, rule), Text("said.", "说。"), {}, remedy=Text(f"mend {rule}", "修"))


def test_a_lost_edit_type_is_said_before_flaws_of_some_outputs():
    found = verdict([finding("skipped_clause"), finding("edit_type_emotion")], [], Losses(4.0, 3.0), Recipe(), "speech")
    assert found["worse"]["en"].startswith("edit_type_emotion")
    assert found["next"]["en"] == "Next: mend edit_type_emotion"
    broken = [finding("edit_type_emotion"), finding("noise", "broken")]
    assert verdict(broken, [], None, Recipe(), "speech")["worse"]["en"].startswith("noise")


def test_what_to_check_depends_on_what_is_learnt():
    little = Losses(4.0, 3.99)
    assert "captions" in verdict([], [], little, Recipe())["next"]["en"]
    spoken = verdict([], [], little, Recipe(), "speech")["next"]
    assert "transcripts" in spoken["en"]
    assert "转写" in spoken["zh"]
