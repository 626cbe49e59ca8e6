"""Outputs that hold a stretch of a training clip."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.records.run_finding import RunFinding
from tunesmith.records.sound_comparison import CopiedClip
from tunesmith.texts import Message, msg

NAME = "copies"


def judge(run: RunData) -> list[RunFinding]:
    """Any output that agrees more with a training clip than clips of its kind do."""
    if run.sound is None or not run.sound.copies:
        return []
    found, first = run.sound.copies, run.sound.copies[0]
    return [
        RunFinding(
            name=NAME,
            kind="worse",
            title=msg("Copies training clips"),
            sentence=msg(
                "{count} of {outputs} outputs hold a stretch of a training clip. The surest: output {output} from "
                "second {at:.0f} on is {clip} from second {inside:.0f} on ({agree}, limit {limit:.0%}; "
                "{training} training clips were searched for).",
                count=len(found),
                outputs=len(run.adapter),
                output=first.prompt,
                at=first.at_s,
                clip=first.clip,
                inside=first.in_clip_s,
                agree=_agree(first),
                limit=first.limit,
                training=run.sound.training_clips,
            ),
            evidence={"copies": len(found), "outputs": len(run.adapter), "score": first.score, "limit": first.limit},
            remedy=msg("Take an earlier checkpoint or a lower scale; train fewer updates, on more clips."),
        )
    ]


def _agree(copy: CopiedClip) -> Message:
    if copy.by == "waveform":
        return msg("its waveform follows the clip's to {score:.0%}", score=copy.score)
    return msg("{score:.0%} of its landmarks agree", score=copy.score)
