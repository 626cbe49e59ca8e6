"""Whether the adapter predicts clips that were not trained on better or worse than the base model does."""

from __future__ import annotations

import math

from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.records.run_finding import FindingKind, RunFinding
from tunesmith.texts import NOTHING, Message, msg

_LEAST_CHANGE = 0.005  # half a per cent: under it, another draw of held-out clips would turn the sign
_TITLE = msg("Held-out loss")
_JUDGEMENTS: dict[FindingKind, Message] = {
    "better": msg("it learnt your clips"),
    "same": msg("hardly any change"),
    "worse": msg("it predicts your clips worse than before"),
    "broken": msg("not a number"),
}


def judge(run: RunData) -> list[RunFinding]:
    """Held-out loss of both models on the same batches: better, the same, worse, or not a number."""
    losses = run.losses
    if losses is None or losses.base_heldout is None or losses.adapter_heldout is None:
        return []
    base, adapter = losses.base_heldout, losses.adapter_heldout
    change = (adapter - base) / base if base else math.nan
    kind = _kind(change, adapter)
    overfitted = kind == "worse" and losses.adapter_train is not None and losses.adapter_train < base
    causes, remedy = _advice(kind, overfitted)
    return [
        RunFinding(
            name="heldout_loss",
            kind=kind,
            title=_TITLE,
            sentence=msg(
                "Held-out loss went from {base:.3f} to {adapter:.3f} ({change}limit ±0.5 %{clips}): {judgement}.",
                base=base,
                adapter=adapter,
                change=msg("{change:+.1f} %, ", change=100 * change) if math.isfinite(change) else NOTHING,
                clips=msg(", {clips} clips", clips=losses.heldout_clips) if losses.heldout_clips else NOTHING,
                judgement=_JUDGEMENTS[kind],
            ),
            evidence={
                "base": base,
                "adapter": adapter,
                "change": change,
                "limit": _LEAST_CHANGE,
                "train": losses.adapter_train,
                "clips": losses.heldout_clips,
            },
            cause=causes,
            remedy=remedy,
        )
    ]


def _kind(change: float, adapter: float) -> FindingKind:
    if not math.isfinite(adapter):
        return "broken"
    if change < -_LEAST_CHANGE:
        return "better"
    return "worse" if change > _LEAST_CHANGE else "same"


def _advice(kind: FindingKind, overfitted: bool) -> tuple[Message, Message]:
    if kind == "better":
        return NOTHING, NOTHING
    if kind == "same":
        return (
            msg("Too few steps, too low a learning rate, or clips that the base model knows already."),
            msg("Train two to four times as long, or with three times the learning rate."),
        )
    if overfitted:
        return (
            msg("Overfitted: the training clips fit better while the held-out ones fit worse."),
            msg("Stop earlier (take the best checkpoint), lower the rank, or add clips."),
        )
    return (
        msg("Learning rate too high, wrong labels, or held-out clips unlike the training clips."),
        msg("Train with a third of the learning rate, and see whether the loss falls in the first steps."),
    )
