"""What a run will take, before it takes it: memory, disk and time from the model's card and the recipe alone.

The formulas are those of LoRA on a transformer, counted at real size on MusicGen small, medium and large (FLOPs with
torch's FlopCounterMode, saved activations with saved-tensor hooks). They are estimates, good to about a third, and say
what they assume; ``train --dry-run`` measures instead.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from tunesmith.families.contract.card import ModelCard, TransformerShape
from tunesmith.recipe.models import Recipe, TrainRecipe
from tunesmith.records.plan import DevicePlan, RunPlan
from tunesmith.texts import Message, msg
from tunesmith.training.optimizers import optimizer_of
from tunesmith.training.phases import plan_phases, total_updates
from tunesmith.training.schedule import clips_per_update, warm_up

ASPECT = 40  # width / depth of transformer decoders: 43, 32 and 43 for MusicGen small, medium and large
BLOCK = 16  # parameters of a block over width squared: two attentions (8) and a feed-forward four times as wide (8)
SAVED_BYTES = 41.4  # saved for backward per token, layer and unit of width in half precision (1.02 MB per token, small)
LORA_WIDTHS = 26  # q, k, v, out of two attentions (8 x 2 widths), fc1 and fc2 (2 x 5 widths): parameters / rank / width
FORWARDS, FORWARDS_RECOMPUTED = 2.05, 3.05  # a step over a forward: frozen weights need no gradient of their own
FULL_GRADIENT = 1.0  # and what trains itself does need one
PARAMETER_BYTES, EMA_BYTES = 8, 4  # weight and gradient in fp32; a moving average beside them
CUDA_BYTES, PYTHON_BYTES = 1.0e9, 0.7e9
CPU_FLOPS = 50e9  # per core, fp32: 17.4 CPU-s for a step of musicgen-small on 10 s (one AVX2 core)
GPU_FLOPS = 30e12  # sustained in bf16 by a consumer GPU of the 24 GB class
GPU_LAYER_SECONDS = 0.92e-3  # launching the kernels of one layer forward and backward; small batches never beat it
CPU_ENCODE_SECONDS = 0.36 / 167e6  # CPU-s per second of audio and parameter of the frozen encoders
CPU_DECODE_SECONDS = 12 / 420e6  # CPU-s per second of audio and parameter of the decoder, with guidance


_PARTS = {
    "weights": msg("weights"),
    "adapter and optimizer": msg("adapter and optimizer"),
    "activations": msg("activations"),
    "runtime": msg("runtime"),
    "cache": msg("cache"),
    "checkpoints": msg("checkpoints"),
    "audio": msg("audio"),
    "download": msg("download"),
}
"""What the parts of a plan are called."""


def plan_lines(plan: RunPlan) -> list[Message]:
    """A plan in sentences."""
    return [
        msg(
            "plan: {updates} updates of {clips} clips (about {epochs:.1f} passes), peak learning rate {rate:g} after "
            "{warmup} updates of warm-up",
            updates=plan.updates,
            clips=plan.clips_per_update,
            epochs=plan.epochs,
            rate=plan.peak_learning_rate,
            warmup=plan.warmup,
        ),
        msg(
            "adapter: about {millions:.1f} M parameters ({size})",
            millions=plan.adapter_parameters / 1e6,
            size=size_text(4 * plan.adapter_parameters),
        ),
        *(
            msg(
                "memory on a {device} ({precision}): about {size} ({parts})",
                device=device.device,
                precision=device.precision,
                size=size_text(device.memory_bytes),
                parts=_parts(device.memory),
            )
            for device in plan.devices
        ),
        msg("disk: about {size} ({parts})", size=size_text(plan.disk_bytes), parts=_parts(plan.disk)),
        *(
            msg(
                "time on a {device}: about {time}, assuming {speed}",
                device=device.device,
                time=duration(device.total_seconds),
                speed=device.assumes,
            )
            for device in plan.devices
        ),
    ]


def _estimated_shape(parameters: int) -> TransformerShape:
    """Depth and width that a decoder of so many parameters has (within 6 % for MusicGen's three)."""
    width = (ASPECT / BLOCK * parameters) ** (1 / 3)
    layers = parameters / BLOCK / width**2
    widths = LORA_WIDTHS * layers * width
    return TransformerShape(round(layers), round(width), round(widths), SAVED_BYTES, parameters)


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


def estimate(
    recipe: Recipe,
    card: ModelCard,
    seconds_total: float,
    clips: int,
    *,
    longest: float | None = None,
    per_pass: int | None = None,
    local: bool = True,
) -> RunPlan:
    """Estimate a run.

    Args:
        recipe: The recipe.
        card: The base model's card.
        seconds_total: Seconds of audio in all clips.
        clips: How many clips; at least 1 is counted.
        longest: Seconds of the longest clip; memory is planned for it.
        per_pass: Clips of one pass, where replay makes them others than all that are not held out.
        local: Whether the weights are on this machine already; a download is added to the disk otherwise.
    """
    clips = max(1, clips)
    train_clips = per_pass or max(1, clips - _held_out(recipe, clips))
    networks, updates = _networks(recipe, card, train_clips)
    per_update = clips_per_update(recipe.train)
    adapter = sum(_trained_parameters(recipe, network.shape) for network in networks)
    peak_frames = _micro_batch_frames(recipe, card, min(longest or seconds_total / clips, recipe.data.max_seconds))
    device = recipe.model.device.split(":")[0]
    kinds = {"cpu": ["CPU"], "cuda": ["GPU"], "mps": ["GPU"]}.get(device, ["GPU", "CPU"])
    work = _Work(recipe, card, networks, updates, seconds_total, clips)
    disk = _disk(recipe, card, adapter, work, local)
    return RunPlan(
        updates=updates,
        clips_per_update=per_update,
        epochs=updates * per_update / train_clips,
        warmup=warm_up(recipe.train, updates).updates,
        peak_learning_rate=recipe.train.learning_rate,
        clips=clips,
        seconds_of_audio=seconds_total,
        adapter_parameters=adapter,
        frames_per_micro_batch=peak_frames,
        disk=disk,
        disk_bytes=sum(disk.values()),
        devices=tuple(_on(kind, recipe, work, adapter, peak_frames) for kind in kinds),
    )


@dataclass(frozen=True)
class _Network:
    """A network that trains, and in how many updates."""

    shape: TransformerShape
    updates: int


def _networks(recipe: Recipe, card: ModelCard, clips: int) -> tuple[tuple[_Network, ...], int]:
    """What trains, and the updates of all stages."""
    shapes = card.shapes or (_estimated_shape(card.trained_parameters),)
    if not card.stages:
        updates = total_updates(recipe.train, clips)
        return tuple(_Network(shape, updates) for shape in shapes), updates
    stages = plan_phases(card.stages, recipe.train, clips)
    by_shape = {shape: sum(stage.updates for stage in stages if shape.network in stage.networks) for shape in shapes}
    networks = tuple(_Network(shape, updates) for shape, updates in by_shape.items())
    return networks, sum(stage.updates for stage in stages)


@dataclass(frozen=True)
class _Work:
    """How much there is to compute, whatever computes it."""

    recipe: Recipe
    card: ModelCard
    networks: tuple[_Network, ...]
    updates: int
    seconds_total: float
    clips: int

    @property
    def crop_seconds(self) -> float:
        """Mean length of a training crop: clips shorter than the window keep theirs, longer ones are cut at random."""
        data, mean = self.recipe.data, self.seconds_total / self.clips
        return mean if mean <= data.max_seconds else (data.min_crop_seconds + data.max_seconds) / 2

    @property
    def layers(self) -> int:
        """Of all networks one after the other."""
        return sum(network.shape.layers for network in self.networks)

    @property
    def layer_steps(self) -> int:
        """How often a layer is stepped through."""
        return self.recipe.train.accumulation * sum(network.updates * network.shape.layers for network in self.networks)

    @property
    def training_flops(self) -> float:
        return sum(self._flops(network) for network in self.networks)

    def _flops(self, network: _Network) -> float:
        train, shape, updates = self.recipe.train, network.shape, network.updates
        forward = 2 * shape.parameters * shape.positions * self.card.frame_rate * self.crop_seconds
        factor = FORWARDS_RECOMPUTED if train.gradient_checkpointing else FORWARDS
        factor += FULL_GRADIENT if self.recipe.adapter.of(shape.network).kind == "full" else 0.0
        held_out = _held_out(self.recipe, self.clips) * (updates // train.valid_every + 1)
        return forward * (factor * updates * clips_per_update(train) + held_out)

    @property
    def generated_seconds(self) -> float:
        previews, generate, evaluate = self.recipe.previews, self.recipe.generate, self.recipe.evaluate
        times = self.updates // previews.every + 1 if previews.every else 0
        preview = times * (len(previews.prompts) or previews.count) * previews.seconds
        after = (len(generate.prompts) or generate.count) * generate.seconds
        sides = 2 if evaluate.compare else 1
        prompts = (len(evaluate.prompts) or evaluate.count) + evaluate.forgetting_prompts
        return preview + after + sides * prompts * evaluate.seconds


def _trained_bytes(train: TrainRecipe) -> int:
    """Bytes of memory per trained parameter."""
    return PARAMETER_BYTES + optimizer_of(train).state_bytes + (EMA_BYTES if train.ema_decay else 0)


def _on(kind: str, recipe: Recipe, work: _Work, adapter: int, frames: int) -> DevicePlan:
    half = kind == "GPU" and recipe.model.precision != "fp32"
    card, recompute = work.card, recipe.train.gradient_checkpointing
    memory = {
        # Of what trains itself this is autocast's own copy on a GPU, and on a CPU the base to go back to.
        "weights": (card.trained_parameters - card.packed_parameters) * (2.0 if half else 4.0) + card.packed_bytes,
        "adapter and optimizer": float(adapter * _trained_bytes(recipe.train)),
        "activations": sum(_activations(network.shape, frames, half, recompute) for network in work.networks),
        "runtime": CUDA_BYTES if kind == "GPU" else PYTHON_BYTES,
    }
    encoders = max(0, card.parameters - card.trained_parameters)
    if kind == "GPU":
        seconds = {
            "training": max(work.training_flops / GPU_FLOPS, work.layer_steps * GPU_LAYER_SECONDS),
            "encoding": work.seconds_total * encoders * CPU_ENCODE_SECONDS / 20,
            "listening": work.generated_seconds * card.frame_rate * work.layers * GPU_LAYER_SECONDS,
        }
        speed = GPU_FLOPS / 1e12
        assumes = msg("{speed:.0f} TFLOP/s sustained (a consumer GPU of the 24 GB class)", speed=speed)
    else:
        cores = os.cpu_count() or 1
        seconds = {
            "training": work.training_flops / (CPU_FLOPS * cores),
            "encoding": work.seconds_total * encoders * CPU_ENCODE_SECONDS / cores,
            "listening": work.generated_seconds * card.trained_parameters * CPU_DECODE_SECONDS / cores,
        }
        assumes = msg("{speed:.0f} GFLOP/s on each of {cores} cores", speed=CPU_FLOPS / 1e9, cores=cores)
    return DevicePlan(
        device=kind,
        precision=("fp16" if recipe.model.precision == "fp16" else "bf16") if half else "fp32",
        memory=memory,
        seconds=seconds,
        assumes=assumes,
        memory_bytes=sum(memory.values()),
        total_seconds=sum(seconds.values()),
    )


def _disk(recipe: Recipe, card: ModelCard, adapter: int, work: _Work, local: bool) -> dict[str, float]:
    checkpoints = min(recipe.train.keep_checkpoints, work.updates // recipe.train.save_every + 1) + 1
    disk = {
        "cache": work.seconds_total * card.frame_rate * card.frame_bytes + work.clips * card.text_bytes,
        "checkpoints": float(checkpoints * 12 * adapter + 2 * 4 * adapter),
        "audio": work.generated_seconds * card.sample_rate * card.channels * 2.0,
    }
    return disk if local else {"download": float(card.weights_bytes or 4 * card.parameters), **disk}


def _micro_batch_frames(recipe: Recipe, card: ModelCard, crop_seconds: float) -> int:
    clip = round(crop_seconds * card.frame_rate) + 4  # the delay pattern adds a few frames
    whole = recipe.train.batch_size * clip
    return whole if recipe.train.token_budget is None else min(whole, max(clip, recipe.train.token_budget))


def _held_out(recipe: Recipe, clips: int) -> int:
    wanted = max(recipe.data.valid_min, round(recipe.data.valid_share * clips))
    return min(wanted, max(0, clips - 1)) if recipe.data.valid_share > 0 else 0


def duration(seconds: float) -> Message:
    """A length of time in the unit that suits it: seconds, minutes, hours or days."""
    if seconds < 90:
        return msg("{seconds:.0f} s", seconds=seconds)
    if seconds < 5400:
        return msg("{minutes:.0f} min", minutes=seconds / 60)
    if seconds < 172_800:
        return msg("{hours:.1f} h", hours=seconds / 3600)
    return msg("{days:.1f} days", days=seconds / 86_400)


def size_text(amount: float) -> str:
    """A number of bytes as MB, or GB from one on."""
    return f"{amount / 1e9:.1f} GB" if amount >= 1e9 else f"{amount / 1e6:.0f} MB"


def _parts(parts: Mapping[str, float]) -> tuple[Message, ...]:
    return tuple(
        msg("{part} {size}", part=_PARTS.get(name, name), size=size_text(amount)) for name, amount in parts.items()
    )
