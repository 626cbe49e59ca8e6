"""Whether the adapter predicts clips that were not trained on better or worse than the base model does."""

from __future__ import annotations

import math

from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.records.loss_probes import LossProbes
from tunesmith.records.run_finding import FindingKind, RunFinding
from tunesmith.texts import NOTHING, Message, msg

_LEAST_CHANGE = 0.005  # half a per cent: under it, another draw of held-out clips would turn the sign
_LEARNT = 0.02  # a fall of the training clips' loss that no draw explains: they were trained on
_LITTLE = 0.005  # ‖ΔW‖ / ‖W‖ in the median; good runs of the three families end between 0.02 and 0.25
_SLOWER = msg("Train with a third of the learning rate, and see whether the loss falls in the first steps.")
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
    causes, remedy = _advice(kind, losses.probes)
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
            cause=causes,
            remedy=remedy,
        )
    ]


def train_change(probes: LossProbes | None) -> float | None:
    """By which share the loss of training clips changed; ``None`` where it was not measured or is not a number."""
    train = probes.train if probes else None
    if train is None or train.base is None or train.adapter is None or not train.base:
        return None
    change = (train.adapter - train.base) / train.base
    return change if math.isfinite(change) else None


def _kind(change: float, adapter: float) -> FindingKind:
    if not math.isfinite(adapter):
        return "broken"
    if change < -_LEAST_CHANGE:
        return "better"
    return "worse" if change > _LEAST_CHANGE else "same"


def _advice(kind: FindingKind, probes: LossProbes | None) -> tuple[Message, Message]:
    """The cause that a measurement speaks for, and its cure; without one neither is named."""
    change = train_change(probes)
    if kind == "broken":
        return NOTHING, _SLOWER
    if kind == "better" or probes is None or probes.train is None or change is None:
        return NOTHING, NOTHING
    numbers = msg(
        "the loss of {clips} clips that it was trained on went from {base:.3f} to {adapter:.3f} ({change:+.1f} %)",
        clips=probes.clips,
        base=probes.train.base,
        adapter=probes.train.adapter,
        change=100 * change,
    )
    if change < -_LEARNT:
        return (
            msg("It learnt your clips by heart: {numbers}, and nothing of it holds for others.", numbers=numbers),
            msg("Train fewer updates or take an earlier checkpoint, add clips, or lower the rank."),
        )
    if kind == "worse":
        return (
            msg("It does not even predict what it was trained on better: {numbers}.", numbers=numbers),
            _SLOWER,
        )
    return _hardly_trained(probes, numbers)


def _hardly_trained(probes: LossProbes, numbers: Message) -> tuple[Message, Message]:
    """Held-out and training clips are both as before: the weights have hardly moved, or nothing fits better."""
    if probes.change is None or probes.change.median >= _LITTLE:
        return (
            msg("Nothing was learnt of the training clips either: {numbers}.", numbers=numbers),
            msg("Look whether captions and clips belong together; then train longer."),
        )
    return (
        msg(
            "It was hardly trained: its layers move the weights by {share:.2%} in the median (1 % to 25 % after a good "
            "run), and {numbers}.",
            share=probes.change.median,
            numbers=numbers,
        ),
        msg("Train two to four times as long, or with three times the learning rate."),
    )
