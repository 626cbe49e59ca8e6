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
    train = losses.probes.train if losses.probes else None
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
                "train": train.adapter if train else None,
                "clips": losses.heldout_clips,
            },
        )
    ]


def _kind(change: float, adapter: float) -> FindingKind:
    if not math.isfinite(adapter):
        return "broken"
    if change < -_LEAST_CHANGE:
        return "better"
    return "worse" if change > _LEAST_CHANGE else "same"
