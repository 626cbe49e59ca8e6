"""What the model could do before, and how much of it is lost: put in proportion to how new the person's clips were."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from tunesmith.evaluation.diagnosis.run_finding import Losses, RunData
from tunesmith.records.loss_probes import ScaleLoss
from tunesmith.records.run_finding import FindingKind, RunFinding
from tunesmith.texts import NOTHING, Message, msg

NAME = "forgetting"
_NOTICED = 0.02  # of the loss: a smaller rise is kept
_LOST = 1.0  # as strange as the person's own clips were before: nothing is left of what set them apart
_MOST = 0.25  # of the loss, where there is nothing to put the rise in proportion to
_TITLE = msg("Other styles")


def judge(run: RunData) -> list[RunFinding]:
    """Loss on material in the base model's own style; not measured is not kept.

    The rise is measured on the way from that loss to the base's loss on the person's clips: at 100 % other styles are
    as strange to the model as those clips were before training.
    """
    losses = run.losses
    if losses is None or losses.base_forgetting is None or losses.adapter_forgetting is None:
        if not run.adapter:
            return []  # nothing is judged at all
        return [RunFinding(name=NAME, kind="unmeasured", title=_TITLE, sentence=_UNMEASURED, remedy=_MEASURE)]
    base, adapter = losses.base_forgetting, losses.adapter_forgetting
    change = (adapter - base) / base if base else math.nan
    share = _share(losses, base, adapter)
    lost = not (share < _LOST if share is not None else change <= _MOST)
    kind: FindingKind = "broken" if not math.isfinite(adapter) else "worse" if lost else "same"
    half = half_gone(losses.probes.base_style if losses.probes else ())
    return [
        RunFinding(
            name=NAME,
            kind=kind,
            title=_TITLE,
            sentence=msg(
                "Loss on styles outside your clips went from {base:.3f} to {adapter:.3f} ({change:+.1f} %): "
                "{judgement}.",
                base=base,
                adapter=adapter,
                change=100 * change,
                judgement=_judgement(change, share, losses.base_heldout),
            ),
            evidence={"base": base, "adapter": adapter, "change": change, "share": share, "half_at": half},
            remedy=_remedy(half) if change > _NOTICED else NOTHING,
        )
    ]


def _share(losses: Losses, base: float, adapter: float) -> float | None:
    """How far the rise goes towards what the person's clips cost the base; ``None`` where those cost no more."""
    own = losses.base_heldout
    if own is None or not math.isfinite(own) or own <= base * (1 + _NOTICED):
        return None
    return (adapter - base) / (own - base)


def _judgement(change: float, share: float | None, own: float | None) -> Message:
    if not change > _NOTICED:
        return msg("they are kept")
    if share is None or own is None:
        return msg("the model answers them less surely than before")
    if share >= _LOST:
        return msg(
            "they are as strange to it now as your clips were before training ({own:.3f}); what it makes of them will "
            "sound like yours, or worse",
            own=own,
        )
    return msg(
        "{share:.0%} of the way to how strange your clips were to it before training ({own:.3f}); what it makes of "
        "them leans towards yours",
        share=share,
        own=own,
    )


def half_gone(by_scale: Sequence[ScaleLoss]) -> float | None:
    """The strength at which half of the rise is gone, between two that were measured; ``None`` without a rise."""
    known = sorted((one.scale, one.loss) for one in by_scale if one.loss is not None and math.isfinite(one.loss))
    losses = dict(known)
    if losses.get(0.0) is None or losses.get(1.0) is None or losses[1.0] <= losses[0.0]:
        return None
    middle = (losses[0.0] + losses[1.0]) / 2
    for (low, under), (high, over) in pairwise(known):
        if under <= middle <= over and high <= 1:
            return low + (high - low) * (middle - under) / (over - under) if over > under else low
    return None


def half_may_be_under_half(by_scale: Sequence[ScaleLoss]) -> bool:
    """Whether half of the rise may be gone only under ½ of the strength, so that ¼ tells where."""
    losses = {one.scale: math.nan if one.loss is None else one.loss for one in by_scale}
    return losses[1.0] > losses[0.0] and not losses[0.5] <= (losses[0.0] + losses[1.0]) / 2


def _remedy(half: float | None) -> Message:
    if half is None:
        return msg(
            "If you want other styles too, use the adapter at a lower scale, or mix in other clips (data.replay)."
        )
    return msg(
        "If you want other styles too: at scale {half:.2g} half of it is gone; or mix in other clips (data.replay).",
        half=half,
    )


_UNMEASURED = msg("Whether the model forgets styles outside your clips was not measured.")
_MEASURE = msg("Keep evaluate.forgetting_prompts above 0, encode the clips of the run, and evaluate again.")
