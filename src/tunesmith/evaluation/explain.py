"""Which cause belongs to a finding: what is said of a fault ends with what the run says of its reason."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.records.run_finding import Cause, RunFinding

CAUSED = frozenset({"broken", "worse"})
EXPLAINED = frozenset({"no_effect", "heldout_loss"})
"""Findings that a cause explains although nothing got worse."""
AS_OFTEN = 0.8


def explained(findings: Sequence[RunFinding], causes: Sequence[Cause]) -> list[RunFinding]:
    """The findings, each fault that the adapter brought with the first cause and its remedy where it has no own one."""
    if not causes:
        return list(findings)
    first = causes[0]
    return [
        finding.model_copy(update={"cause": first.sentence, "remedy": first.remedy}) if _is_open(finding) else finding
        for finding in findings
    ]


def _is_open(finding: RunFinding) -> bool:
    """Whether a finding asks for a reason, and has none of its own that the data gave."""
    asks = finding.kind in CAUSED or (finding.kind == "same" and finding.name in EXPLAINED)
    return asks and not finding.cause and not base_has_fault(finding)


def base_has_fault(finding: RunFinding) -> bool:
    """A fault that the base model has about as often was not brought by the adapter."""
    evidence = finding.evidence
    if not evidence.get("base_outputs") or not evidence.get("outputs"):
        return False
    base = (evidence["base_flagged"] or 0) / (evidence["base_outputs"] or 1)
    return base >= AS_OFTEN * (evidence["flagged"] or 0) / (evidence["outputs"] or 1)
