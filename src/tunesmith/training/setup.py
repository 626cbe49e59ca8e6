"""How a training run is set up: device, precision, networks with adapters, optimizer, clips and schedule."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn

from tunesmith.adapters.attach import attach
from tunesmith.adapters.full import tuning_of
from tunesmith.adapters.parameters import trainable
from tunesmith.data.cache import EncodedStore
from tunesmith.data.machine import return_free_memory
from tunesmith.data.mapped_manifest import map_manifest, own_samples, replay_samples, samples_on
from tunesmith.data.replay import mix_of
from tunesmith.data.sample import Sample
from tunesmith.errors import TunesmithError
from tunesmith.families.contract import Family
from tunesmith.recipe.models import Recipe
from tunesmith.run.context import RunContext
from tunesmith.run.launcher import ending_with_launcher
from tunesmith.texts import msg
from tunesmith.training.clips import Clips
from tunesmith.training.ema import Ema
from tunesmith.training.optimizers import optimizer_of, parameter_groups
from tunesmith.training.phases import plan_phases
from tunesmith.training.precision import name_for_accelerate, needs_trial, settled
from tunesmith.training.precision_trial import tried
from tunesmith.training.processes import of_main
from tunesmith.training.schedule import MANY, Schedule, clips_per_update
from tunesmith.training.sharding import Shards, refuse_packed
from tunesmith.training.state import RunClips, TrainState

if TYPE_CHECKING:
    from accelerate import Accelerator, PartialState


def build_train_state(
    context: RunContext, clips: RunClips | None = None, *, pinned: str = "", begins: bool = True
) -> TrainState:
    """Load the base, attach the adapter, open the cache, make the optimizer.

    Args:
        context: The run.
        clips: Those of the run's manifest by default.
        pinned: The precision of the checkpoint that is gone on from.
        begins: Whether there is no such checkpoint, so that `auto` may try which precision is the faster.

    Raises:
        TunesmithError: when clips are not encoded, or the device is not there.
    """
    recipe, family = context.recipe, context.family
    if recipe.train.shard_base:
        refuse_packed(family)
    processes = begin_processes(recipe)
    train, valid, replayed, mix = clips or open_clips(context)
    per_update = clips_per_update(recipe.train, processes.num_processes)
    schedule = Schedule(train, per_update, recipe.train.seed, mix)
    base, trial = family.networks.load(family.networks.in_training()), None
    if begins and needs_trial(recipe.model.precision, processes.device.type):
        trial = of_main(processes, tried(family, base, recipe, schedule) if processes.is_main_process else None)
    accelerator = make_accelerator(recipe, pinned, trial.taken if trial else "fp32")
    networks, shards = prepare_networks(family, recipe, accelerator, base)
    parameters = trainable(networks)
    groups = parameter_groups(parameters, recipe.train, recipe.adapter)
    optimizer = optimizer_of(recipe.train).build(groups, fused=accelerator.device.type == "cuda")
    return TrainState(
        family=family,
        recipe=recipe,
        accelerator=accelerator,
        networks=networks,
        parameters=parameters,
        optimizer=accelerator.prepare(optimizer),
        train=train,
        valid=valid,
        replayed=replayed,
        schedule=schedule,
        stages=plan_phases(family.networks.phases(), recipe.train, schedule.clips_per_epoch, accelerator.num_processes),
        ema=Ema(parameters, recipe.train.ema_decay) if recipe.train.ema_decay else None,
        fresh={
            key: p.detach().to("cpu", copy=True)
            for key, p in parameters.items()
            if not tuning_of(networks[key.network])
        },
        trial=trial,
        shards=shards,
    )


def prepare_networks(
    family: Family, recipe: Recipe, accelerator: Accelerator, base: Mapping[str, nn.Module]
) -> tuple[dict[str, nn.Module], Shards | None]:
    """Base networks on the device with fresh adapters: base in half precision if training is, adapter always fp32.

    Returns:
        The networks, and their blocks where the recipe has the base divided among several processes.
    """
    divided = recipe.train.shard_base and accelerator.num_processes > 1
    half = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(accelerator.mixed_precision)
    for name, network in base.items():
        kept = name in family.networks.full_precision or recipe.adapter.of(name).kind == "full"
        network.to(torch.float32 if kept else half or torch.float32)
        if not divided:  # a whole base may not fit
            network.to(accelerator.device)
    networks = attach(base, recipe.adapter, family.adapters.defaults(), recipe.train.seed)
    for parameter in trainable(networks).values():
        parameter.data = parameter.data.float()
    if recipe.train.gradient_checkpointing:
        family.networks.enable_checkpointing(networks)
    if recipe.train.compile == "regional" and accelerator.device.type == "cuda":
        family.networks.compile_blocks(networks)
    shards = Shards(family, networks, accelerator) if divided else None
    for network in networks.values():
        network.to(accelerator.device).train()
    return networks, shards


def open_clips(context: RunContext) -> RunClips:
    """The encoded clips of a run."""
    samples = map_manifest(context.folder.manifest)
    training = samples_on(samples, "train")
    if not training:
        raise TunesmithError(
            msg("no training clips are left"),
            where=str(context.folder.manifest),
            remedy=msg("See the checks' findings."),
        )
    mix = mix_of(training, context.recipe.data.replay_share)
    valid, replayed = held_out_clips(context, samples)
    clips = RunClips(clips_of(context, mix.entries(training) if mix else training), valid, replayed, mix)
    if len(samples) >= MANY:
        return_free_memory()
    return clips


def held_out_clips(context: RunContext, samples: Sequence[Sample]) -> tuple[Clips | None, Clips | None]:
    """The encoded held-out clips among some samples: the user's own, and those of the replay set."""
    whole = samples_on(samples, "valid")
    held_out, replayed = own_samples(whole), replay_samples(whole)
    return (
        clips_of(context, held_out) if held_out else None,
        clips_of(context, replayed) if replayed else None,
    )


def clips_of(context: RunContext, samples: Sequence[Sample]) -> Clips:
    """Encoded samples with the recipe's window lengths."""
    store = EncodedStore(context.folder.cache, context.family.encoding.fields())
    clock = next((spec.rate for spec in context.family.encoding.fields() if spec.rate), 1.0)
    data = context.recipe.data
    return Clips(
        context.family,
        store,
        samples,
        max_frames=max(1, round(data.max_seconds * clock)) if not context.family.is_speech else sys.maxsize,
        min_frames=max(1, round(data.min_crop_seconds * clock)),
    )


def make_accelerator(recipe: Recipe, pinned: str = "", found: str = "fp32") -> Accelerator:
    """Device and precision by the recipe; one process unless launched by torchrun or ``accelerate launch``.

    Args:
        recipe: The run's.
        pinned: The precision of the checkpoint that is gone on from.
        found: What a trial on this CPU found to be the faster.

    Raises:
        TunesmithError: when the device asked for is not there.
    """
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state()  # a process may train more than one run, each with its own precision
    kind = kind_of_device(recipe.model.device)
    precision = settled(recipe.model.precision, kind, pinned, found)
    with ending_with_launcher():  # it waits for the other processes
        return Accelerator(cpu=kind == "cpu", mixed_precision=name_for_accelerate(precision))


def begin_processes(recipe: Recipe) -> PartialState:
    """The processes that torchrun or ``accelerate launch`` started, joined into a group; one otherwise.

    Raises:
        TunesmithError: when the device asked for is not there.
    """
    from accelerate import PartialState

    kind = kind_of_device(recipe.model.device)
    if PartialState._shared_state and PartialState().num_processes == 1:
        PartialState._reset_state()  # it keeps the device of the run before, which may have been another one
    with ending_with_launcher():  # it waits for the other processes
        return PartialState(cpu=kind == "cpu")


def kind_of_device(wanted: str) -> str:
    """``cpu``, ``cuda`` or ``mps``, as the recipe says; a numbered CUDA device becomes the current one.

    Raises:
        TunesmithError: when the device asked for is not there.
    """
    if wanted.startswith("cuda") and not torch.cuda.is_available():
        raise TunesmithError(msg("there is no CUDA device"), where="model.device", remedy=msg("Use `auto` or `cpu`."))
    if wanted.startswith("cuda:"):
        torch.cuda.set_device(wanted)
    if wanted == "cpu":
        return "cpu"
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
