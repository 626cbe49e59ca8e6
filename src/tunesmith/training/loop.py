"""The training loop. One update: gather its micro-batches, divide by the denominators of all of them, step."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from tunesmith.adapters.fused import fused
from tunesmith.data.batches import micro_batches
from tunesmith.data.item_rng import key_of
from tunesmith.families.loss_terms import LossAccumulator, LossResult, add_denominators, combine, result_of
from tunesmith.training.micro import Micro
from tunesmith.training.schedule import learning_rate
from tunesmith.training.sharding import in_step
from tunesmith.training.state import TrainState


@dataclass(frozen=True)
class UpdateResult:
    """What one update did, over all processes."""

    measured: LossResult
    grad_norm: float
    learning_rate: float
    tokens: int
    stepped: bool
    stop_requested: bool


def train_update(state: TrainState, *, stop: bool = False) -> UpdateResult:
    """One optimizer update over ``batch_size x accumulation x processes`` clips.

    The loss of the update is each term's sum over every micro-batch and process divided by its denominator over all of
    them: neither padding, nor the cut into micro-batches, nor the number of processes changes the gradient.

    Args:
        state: The run; ``state.progress.update`` says which update this is.
        stop: Whether this process was asked to stop; agreed between processes on the way.
    """
    number, settings = state.progress.update, state.settings
    stage, since = state.stage, number - state.progress.stage_began
    rate = learning_rate(settings, since, stage.updates, stage.warmup.updates) * stage.lr_factor
    for group in state.optimizer.param_groups:
        group["lr"] = rate * group["lr_scale"]
    set_trainable(state, stage.networks)
    micros = local_micro_batches(state, number)
    totals, stop = all_reduce_denominators(
        state, add_denominators(micro.denominators for micro in micros if micro.counted), stop
    )
    # Only an adapter's own dropout draws from the global generator; keyed by the update, resuming needs no state.
    torch.manual_seed(key_of(settings.seed, "update", number, state.accelerator.process_index) >> 65)
    meter, has_loss = backward(state, micros, totals)
    shown = rate * next(g["lr_scale"] for g in state.optimizer.param_groups if g["network"] in stage.networks)
    frames = sum(micro.frames for micro in micros if micro.counted)
    if not has_loss and state.accelerator.num_processes == 1:  # no clip of it teaches a network of this stage
        return UpdateResult(meter.result(), 0.0, shown, frames, True, stop)
    add_over_processes(state)
    measured, frames = measured_together(state, meter, frames)
    norm = clip_gradients(state)
    finite = math.isfinite(norm)  # the same on every process, unlike a process's own loss
    if finite or state.accelerator.mixed_precision == "fp16":
        state.optimizer.step()  # under fp16 the scaler itself skips a step that overflowed, and learns from it
    state.optimizer.zero_grad(set_to_none=True)
    if state.ema is not None and finite:
        state.ema.update(since + 1)
    return UpdateResult(measured, norm, shown, frames, finite, stop)


@contextmanager
def inputs_left_alone(state: TrainState) -> Iterator[None]:
    """In half precision, let LoRA's layers read what stands there: PEFT casts it to fp32, and autocast back again.

    DoRA's own arithmetic needs PEFT's cast. The backward pass belongs inside too, for it may compute blocks again.
    """
    from peft.helpers import disable_input_dtype_casting

    half, adapter = state.precision != "fp32", state.recipe.adapter
    with ExitStack() as stack:
        for name, network in state.active.items():
            stack.enter_context(disable_input_dtype_casting(network, half and adapter.of(name).kind == "lora"))
        yield


def clip_gradients(state: TrainState) -> float:
    """Limit the gradients as the recipe says; returns their norm before that."""
    parameters, settings = list(state.parameters.values()), state.settings
    limit = settings.max_grad_norm if settings.clip == "norm" else math.inf
    norm = float(state.accelerator.clip_grad_norm_(parameters, limit))
    if settings.clip == "value":
        torch.nn.utils.clip_grad_value_(parameters, settings.max_grad_norm)  # the norm above has undone any scaling
    return norm


def set_trainable(state: TrainState, networks: Sequence[str]) -> None:
    """Only the networks of the current stage take gradients."""
    for key, parameter in state.parameters.items():
        parameter.requires_grad_(key.network in networks)


def backward(state: TrainState, micros: Sequence[Micro], totals: Mapping[str, float]) -> tuple[LossAccumulator, bool]:
    """Add the gradients of micro-batches, each divided by the whole update's denominators.

    Returns:
        Their losses, and whether any of them had one.
    """
    meter, has_loss = LossAccumulator(), False
    with inputs_left_alone(state), fused(state.active.values()):
        for micro in micros:
            with state.accelerator.autocast():
                terms = state.family.objective.loss(state.active, state.to_device(micro.batch), micro.rngs)
            loss = combine(terms, totals)
            if micro.counted:
                meter.add(terms)
            if loss is not None:
                state.accelerator.backward(loss if micro.counted else 0.0 * loss)
                has_loss = True
    return meter, has_loss


def local_micro_batches(state: TrainState, number: int) -> list[Micro]:
    """This process's micro-batches of an update, collated."""
    items, crops, rngs, lengths = state.schedule.items(number)
    batches = micro_batches(items, lengths, size=state.settings.batch_size, token_budget=state.settings.token_budget)

    def collated(place: int) -> Micro:
        of_these = [rngs[i] for i in batches[place]]
        batch = state.family.objective.collate([state.train.read(i, crops[i]) for i in batches[place]], of_these)
        frames = sum(crops[i].length for i in batches[place])
        return Micro(batch, of_these, frames, state.family.objective.loss_denominators(batch))

    places = range(state.accelerator.process_index, len(batches), state.accelerator.num_processes)
    local = {place: collated(place) for place in places}
    return list(local.values()) if state.shards is None else in_step(local, collated)


def all_reduce_denominators(
    state: TrainState, denominators: dict[str, float], stop: bool
) -> tuple[dict[str, float], bool]:
    """Denominators of the whole update over all processes, and whether any process was asked to stop."""
    if state.accelerator.num_processes == 1:
        return denominators, stop
    gathered: list[Any] = [None] * state.accelerator.num_processes
    torch.distributed.all_gather_object(gathered, (denominators, stop))
    return add_denominators(local for local, _ in gathered), any(asked for _, asked in gathered)


def measured_together(state: TrainState, meter: LossAccumulator, frames: int) -> tuple[LossResult, int]:
    """The loss of the whole update and the frames it was trained on, over all processes."""
    if state.accelerator.num_processes == 1:
        return meter.result(), frames
    gathered: list[Any] = [None] * state.accelerator.num_processes
    torch.distributed.all_gather_object(gathered, (meter.sums(), frames))
    return result_of([sums for sums, _ in gathered]), sum(count for _, count in gathered)


def add_over_processes(state: TrainState) -> None:
    """Add the gradients of all processes in one reduction."""
    if state.accelerator.num_processes == 1:
        return
    parameters = [p for p in state.parameters.values() if p.requires_grad]
    for p in parameters:
        if p.grad is None:
            p.grad = torch.zeros_like(p)
    flat = torch.cat([p.grad.reshape(-1) for p in parameters if p.grad is not None])
    torch.distributed.all_reduce(flat)
    for p, part in zip(parameters, flat.split([p.numel() for p in parameters]), strict=True):
        p.grad = part.view_as(p).clone()
