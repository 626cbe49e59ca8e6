"""Outputs that all sound alike."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.records.run_finding import RunFinding
from tunesmith.texts import msg

NAME = "variety"
_LEAST = 0.8  # of the variety of the person's own clips; one beat in eight takes has 0.7 of that of eight beats


def judge(run: RunData) -> list[RunFinding]:
    """The outputs differ from one another clearly less than the person's own clips, and less than the base's do."""
    variety = run.sound.variety if run.sound else None
    if variety is None or variety.adapter is None or variety.reference is None or variety.high is None:
        return []
    if variety.high >= _LEAST * variety.reference or (variety.base is not None and variety.high >= variety.base):
        return []
    return [
        RunFinding(
            name=NAME,
            kind="worse",
            title=msg("All sound alike"),
            sentence=msg(
                "Outputs of different prompts and seeds differ by {adapter:.2f} in the mean (at most {high:.2f}), your "
                "own clips by {reference:.2f}: it makes nearly the same thing of every prompt.",
                adapter=variety.adapter,
                high=variety.high,
                reference=variety.reference,
            ),
            evidence={
                "adapter": variety.adapter,
                "high": variety.high,
                "reference": variety.reference,
                "base": variety.base,
                "limit": _LEAST,
            },
            remedy=msg("Take an earlier checkpoint or a lower scale; raise temperature or top-k, and add clips."),
        )
    ]
