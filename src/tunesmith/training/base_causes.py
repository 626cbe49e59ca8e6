"""Why a base model may not know the person's clips: each possible cause with what was measured of it, likely first."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.families.contract import Batch
from tunesmith.families.loss_terms import LossResult
from tunesmith.texts import Message, in_turn, msg
from tunesmith.training.probes import clip_losses, wrong_layout
from tunesmith.training.state import TrainState


def causes(state: TrainState, batches: Sequence[Batch], base: LossResult, *, limit: float, level: float) -> Message:
    """The causes of a base loss above its limit, the likeliest first.

    Clips are likeliest where the model knows some of them; weights where it does no better than knowing nothing on any;
    a layout where reading the clips in a wrong one costs less than in the model's own.

    Args:
        state: Before the first update.
        batches: The clips that ``base`` was measured on.
        base: The base model's loss.
        limit: Which it is above.
        level: The loss of knowing nothing.
    """
    losses = clip_losses(state) or [base.loss]
    wrong = wrong_layout(state, batches)
    under = sum(loss <= limit for loss in losses)
    ranked = [
        (under / len(losses) + (min(losses) < level) / 2, _clips(losses, under)),
        (base.loss / level - 0.5 * (min(losses) < level), _weights(base.loss, level)),
    ]
    if wrong is not None:
        ranked.append((2.0 if wrong[1] < base.loss else 0.0, _layout(base.loss, wrong)))
    return in_turn([cause for _, cause in sorted(ranked, key=lambda pair: -pair[0])])


def _clips(losses: Sequence[float], under: int) -> Message:
    return msg(
        "clips unlike anything that the model was trained on: noise, speech for music, damaged files (of {count} clips "
        "{under} are under the limit, from {low:.2f} to {high:.2f})",
        count=len(losses),
        under=under,
        low=min(losses),
        high=max(losses),
    )


def _weights(loss: float, level: float) -> Message:
    return msg(
        "weights or a codec that are damaged or not of one checkpoint ({loss:.2f} is {share:.0%} of what knowing "
        "nothing costs)",
        loss=loss,
        share=loss / level,
    )


def _layout(loss: float, wrong: tuple[str, float]) -> Message:
    return msg(
        "a layout that is not the model's ({loss:.2f} in its own, {wrong:.2f} in a wrong one, {layout})",
        loss=loss,
        wrong=wrong[1],
        layout=wrong[0],
    )
