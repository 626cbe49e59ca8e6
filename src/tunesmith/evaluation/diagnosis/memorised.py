"""Outputs that lie nearer to the clips that were trained on than other clips of their kind do."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.records.run_finding import RunFinding
from tunesmith.records.sound_comparison import NearestClips
from tunesmith.texts import msg

NAME = "memorised"
_P_VALUE = 0.02
_LIMIT = 0.7
"""Of what held-out clips are from training clips."""
_APART = 0.8
"""Of how near outputs are to held-out clips, beside training clips: in the middle of all clips they are near to any."""


def judge(run: RunData) -> list[RunFinding]:
    """Outputs lie nearer to training clips than held-out ones do, beyond chance and clearly, and not so to any clip."""
    near = run.sound.nearest if run.sound else None
    if near is None or near.p_value is None or near.p_value > _P_VALUE or not _is_clear(near):
        return []
    return [
        RunFinding(
            name=NAME,
            kind="worse",
            title=msg("Near to single training clips"),
            sentence=msg(
                "The outputs lie at {near:.1f} in the mean from the nearest of {training} clips that were trained on, "
                "{held_out} held-out clips at {own:.1f} (p = {p_value:.1g}, {outputs} outputs): it gives back what it "
                "was trained on.",
                near=near.to_training,
                training=near.training,
                held_out=near.held_out,
                own=near.held_out_to_training,
                p_value=near.p_value,
                outputs=near.outputs,
            ),
            evidence={
                "outputs": near.outputs,
                "clips": near.training,
                "adapter": near.to_training,
                "reference": near.held_out_to_training,
                "p_value": near.p_value,
                "limit": _LIMIT,
            },
            remedy=msg("Take an earlier checkpoint or a lower scale; train fewer updates, on more clips."),
        )
    ]


def _is_clear(near: NearestClips) -> bool:
    outputs, clips = (near.to_training, near.to_held_out), (near.held_out_to_training, near.training_to_held_out)
    if None in outputs or not all(clips):
        return False
    training, held_out = ((out or 0.0) / (clip or 1.0) for out, clip in zip(outputs, clips, strict=True))
    return training < _LIMIT and training < _APART * held_out
