"""One run, judged: per-rule shares, group tests, paired changes, losses."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.evaluation.diagnosis import (
    changes,
    copies,
    distance,
    edit_type,
    fade_group,
    forgetting,
    memorised,
    no_effect,
    prompt_followed,
    shares,
    strength,
    style,
    variety,
    worse_heldout,
)
from tunesmith.evaluation.diagnosis.registry import reference_of
from tunesmith.evaluation.diagnosis.rule import Profile
from tunesmith.evaluation.diagnosis.run_finding import Losses, RunData
from tunesmith.evaluation.signals import Signals
from tunesmith.records.run_finding import RunFinding

RUN_RULES = (
    worse_heldout.judge,
    strength.judge,
    edit_type.judge,
    no_effect.judge,
    copies.judge,
    memorised.judge,
    shares.judge,
    fade_group.judge,
    forgetting.judge,
    changes.judge,
    style.judge,
    distance.judge,
    variety.judge,
    prompt_followed.judge,
)
_ORDER = {"broken": 0, "worse": 1, "unmeasured": 2, "better": 3, "same": 4}


def diagnose_run(
    base: Sequence[Signals] | None,
    adapter: Sequence[Signals],
    reference: Sequence[Signals] = (),
    losses: Losses | None = None,
    *,
    want_seconds: float | None = None,
    profile: Profile = "music",
) -> list[RunFinding]:
    """Says whether the adapter made the model better, worse or broken, with the numbers behind it.

    Args:
        base: Outputs of the base model, measured; ``None`` when only the adapter was run.
        adapter: Outputs with the adapter, for the same prompts and seeds in the same order.
        reference: The person's own clips, on crops as long as the outputs and at their sample rate.
        losses: Losses of both models, where known.
        want_seconds: The length asked for.
        profile: ``speech`` leaves out the rules that only hold for music.

    Returns:
        As :func:`judge_run`.
    """
    return judge_run(RunData(base, adapter, reference, reference_of(reference, profile), losses, want_seconds, profile))


def judge_run(run: RunData) -> list[RunFinding]:
    """Holds a run against every rule.

    Returns:
        Findings: broken first, then worse, unmeasured, better, same. A rule speaks when a quarter of the outputs break
        it, a group test when p < 0.01, a paired change when its size matters and p < 3.5 % in all paired statements
        together, an edit type when a 98 % interval lies beyond no change and its size matters.
    """
    findings = [finding for judge in RUN_RULES for finding in judge(run)]
    if any(finding.name == "fade" and finding.kind == "broken" for finding in findings):
        findings = [finding for finding in findings if finding.name != "fade_group"]
    return sorted(findings, key=lambda finding: _ORDER[finding.kind])
