"""What a run will take, before it takes it: memory, disk and time from the model's card, the recipe and the clips.

The formulas are those of LoRA on a transformer, counted at real size on MusicGen small, medium and large (FLOPs with
torch's FlopCounterMode, saved activations with saved-tensor hooks). They are estimates, good to about a third, and say
what they assume; ``train --dry-run`` measures instead. How many updates and clips there are is no estimate: it is
computed as training computes it.
"""

from __future__ import annotations

import math

from tunesmith.families.contract.card import ModelCard, PhaseSpec, TransformerShape
from tunesmith.planning.clips import PlannedClips
from tunesmith.planning.times import assumed, seconds_by_part
from tunesmith.planning.work import Work, work_of
from tunesmith.recipe.models import Recipe, TrainRecipe
from tunesmith.records.plan import DevicePlan, RunPlan
from tunesmith.training.optimizers import optimizer_of
from tunesmith.training.phases import peak_rates
from tunesmith.training.schedule import clips_per_update

PARAMETER_BYTES, EMA_BYTES = 8, 4  # weight and gradient in fp32; a moving average beside them
CUDA_BYTES, PYTHON_BYTES = 1.0e9, 0.7e9


def estimate(
    recipe: Recipe,
    card: ModelCard,
    clips: PlannedClips,
    *,
    processes: int = 1,
    phases: tuple[PhaseSpec, ...] | None = None,
    local: bool = True,
) -> RunPlan:
    """Estimate a run.

    Args:
        recipe: The recipe.
        card: The base model's card.
        clips: The clips of the run.
        processes: How many processes share an update.
        phases: The family's training stages; by default those of the card.
        local: Whether the weights are on this machine already; a download is added to the disk otherwise.
    """
    work = work_of(recipe, card, clips, processes, phases)
    adapter = sum(_trained_parameters(recipe, network.shape) for network in work.networks)
    peak_frames = _micro_batch_frames(work)
    per_update = clips_per_update(recipe.train, processes)
    peaks = peak_rates(work.stages, recipe.train, recipe.adapter)
    disk = _disk(work, adapter, local)
    return RunPlan(
        updates=work.updates,
        clips_per_update=per_update,
        epochs=work.updates / max(1, math.ceil(clips.per_pass / per_update)),
        warmup=work.stages[0].warmup.updates,
        peak_learning_rate=max(peaks.values()),
        peak_learning_rates=peaks,
        clips=clips.count,
        train_clips=len(clips.train),
        held_out=len(clips.valid),
        seconds_of_audio=clips.total,
        adapter_parameters=adapter,
        frames_per_micro_batch=peak_frames,
        disk=disk,
        disk_bytes=sum(disk.values()),
        devices=tuple(_on(kind, work, adapter, peak_frames) for kind in kinds_of(recipe)),
    )


def kinds_of(recipe: Recipe) -> tuple[str, ...]:
    """The kinds of device that a run may be on."""
    return {"cpu": ("CPU",), "cuda": ("GPU",), "mps": ("GPU",)}.get(recipe.model.device.split(":")[0], ("GPU", "CPU"))


def _trained_parameters(recipe: Recipe, shape: TransformerShape) -> int:
    adapter = recipe.adapter.of(shape.network)
    return shape.full_parameters if adapter.kind == "full" else adapter.rank * shape.adapter_widths


def _activations(shape: TransformerShape, frames: int, half: bool, recompute: bool) -> float:
    """Bytes kept for the backward pass; recomputing keeps every block's input and one block's insides.

    The output layer's part is gone by the time that the first block is recomputed.
    """
    per_unit = frames * shape.positions * shape.width * (1.0 if half else 2.0)
    block, head = per_unit * shape.saved_bytes, frames * shape.head_bytes
    return 2 * shape.layers * per_unit + max(block, head) if recompute else shape.layers * block + head


def _trained_bytes(train: TrainRecipe) -> int:
    """Bytes of memory per trained parameter."""
    return PARAMETER_BYTES + optimizer_of(train).state_bytes + (EMA_BYTES if train.ema_decay else 0)


def _on(kind: str, work: Work, adapter: int, frames: int) -> DevicePlan:
    recipe, card = work.recipe, work.card
    # Whether `auto` takes bf16 on a CPU, training alone finds out; fp32 needs more.
    half = recipe.model.precision == "bf16" or (kind == "GPU" and recipe.model.precision != "fp32")
    recompute = recipe.train.gradient_checkpointing
    held = card.trained_parameters - card.packed_parameters - card.idle_parameters
    memory = {
        # Of what trains itself this is autocast's own copy on a GPU, and on a CPU the base to go back to.
        "weights": _on_each(work, held * (2.0 if half else 4.0)) + card.packed_bytes,
        "adapter and optimizer": float(adapter * _trained_bytes(recipe.train)),
        "activations": sum(_activations(network.shape, frames, half, recompute) for network in work.networks),
        "runtime": CUDA_BYTES if kind == "GPU" else PYTHON_BYTES,
    }
    seconds = seconds_by_part(work, kind)
    return DevicePlan(
        device=kind,
        precision=("fp16" if recipe.model.precision == "fp16" else "bf16") if half else "fp32",
        memory=memory,
        seconds=seconds,
        assumes=assumed(work, kind),
        memory_bytes=sum(memory.values()),
        total_seconds=sum(seconds.values()),
    )


def _on_each(work: Work, weights: float) -> float:
    """Bytes of the base's weights on each device: its part and two whole blocks where the base is divided."""
    if not work.recipe.train.shard_base or work.processes < 2:
        return weights
    blocks = sum(network.shape.layers for network in work.networks)
    return min(weights, weights / work.processes + 2 * weights / blocks)


def _disk(work: Work, adapter: int, local: bool) -> dict[str, float]:
    card, train = work.card, work.recipe.train
    checkpoints = min(train.keep_checkpoints, work.updates // train.save_every + 1) + 1
    audio = sum(part.total for name, part in work.audio.items() if name != "base style")
    disk = {
        "cache": work.clips.total * card.frame_rate * card.frame_bytes + work.clips.count * card.text_bytes,
        "checkpoints": float(checkpoints * 12 * adapter + 2 * 4 * adapter),
        "audio": (audio + work.previews(work.preview_rounds).total) * card.sample_rate * card.channels * 2.0,
    }
    return disk if local else {"download": float(card.weights_bytes or 4 * card.parameters), **disk}


def _micro_batch_frames(work: Work) -> int:
    """Frames of the largest micro-batch."""
    recipe = work.recipe
    longest = work.clips.longest(recipe.data, whole=work.whole)
    clip = round(longest * work.card.frame_rate) + 4  # the delay pattern adds a few frames
    whole = recipe.train.batch_size * clip
    return whole if recipe.train.token_budget is None else min(whole, max(clip, recipe.train.token_budget))
