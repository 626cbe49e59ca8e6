"""What is logged of every update: its loss, and whether it was skipped."""

from __future__ import annotations

import torch

from tunesmith.errors import TunesmithError
from tunesmith.records.metrics import TrainLine
from tunesmith.texts import msg
from tunesmith.training.loop import UpdateResult
from tunesmith.training.run_state import RunState


def count_skipped(run: RunState, result: UpdateResult) -> None:
    """Non-finite updates are skipped and counted; too many in a row end the run with a diagnosis."""
    progress, settings = run.state.progress, run.state.settings
    if result.stepped:
        progress.skipped_in_row = 0
        return
    progress.skipped += 1
    progress.skipped_in_row += 1
    skipped = msg("update {update} skipped: gradient norm {norm}", update=progress.update, norm=str(result.grad_norm))
    run.tracker.event("nonfinite", progress.update, skipped)
    if progress.skipped_in_row >= settings.max_skipped:
        raise TunesmithError(
            msg("{count} updates in a row had a loss or gradient that is not finite", count=progress.skipped_in_row),
            where=f"update {progress.update}",
            remedy=msg(
                "Lower train.learning_rate (now {rate:g}; try a third), or use fp32 or bf16 instead of fp16; the "
                "newest checkpoint is from before.",
                rate=settings.learning_rate,
            ),
        )


def refuse_lost_weights(run: RunState) -> None:
    """End a run whose weights are not numbers any more: one step can do that although its gradient was finite.

    Raises:
        TunesmithError: naming the first of them.
    """
    parameters = run.state.parameters
    lost = [key for key, parameter in parameters.items() if not bool(torch.isfinite(parameter).all())]
    if lost:
        raise TunesmithError(
            msg(
                "{count} of {all} trained tensors are not finite any more (the first: {name})",
                count=len(lost),
                all=len(parameters),
                name=str(lost[0]),
            ),
            where=f"update {run.state.progress.update}",
            remedy=msg(
                "Lower train.learning_rate (now {rate:g}; try a third), and train with --fresh.",
                rate=run.state.settings.learning_rate,
            ),
        )


def log_training(run: RunState, result: UpdateResult) -> None:
    """One line of training loss."""
    progress = run.state.progress
    seconds = max(run.tracker.elapsed, 1e-6)
    run.tracker.write(
        TrainLine(
            update=progress.update,
            stage=run.state.stage.name,
            loss=result.measured.loss,
            terms=dict(result.measured.terms),
            learning_rate=result.learning_rate,
            grad_norm=result.grad_norm,
            tokens=result.tokens,
            skipped=progress.skipped,
            tokens_per_second=result.tokens * progress.update / seconds,
        )
    )
    run.context.console.log(
        msg(
            "update {update}/{updates}  train loss {loss:.4f}  learning rate {rate:.2e}  gradient norm {norm:.2f}",
            update=progress.update,
            updates=run.state.updates,
            loss=result.measured.loss,
            rate=result.learning_rate,
            norm=result.grad_norm,
        )
    )
