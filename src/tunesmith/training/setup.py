"""The workbench of a training run: device, precision, networks with adapters, optimizer, clips and schedule."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import nn

from tunesmith.adapters import peft_adapter as adapters
from tunesmith.adapters.full import tuning_of
from tunesmith.data.cache import EncodedStore
from tunesmith.data.replay import Mix, is_replay, mix_of
from tunesmith.data.sample import Sample, read_manifest
from tunesmith.errors import TunesmithError
from tunesmith.families.contract import Batch, Family
from tunesmith.recipe.models import Recipe, TrainRecipe
from tunesmith.run.context import RunContext
from tunesmith.training.clips import Clips
from tunesmith.training.ema import Ema
from tunesmith.training.phases import Stage, plan_stages
from tunesmith.training.schedule import Schedule, clips_per_update

if TYPE_CHECKING:
    from collections.abc import Iterator

    from accelerate import Accelerator


@dataclass
class Progress:
    """Everything about a run that changes from update to update, apart from tensors.

    ``best_*`` and ``without_best`` are those of the present stage; finished ones are in ``history``.
    """

    update: int = 0
    stage: int = 0
    stage_began: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    first_loss: float | None = None
    best_loss: float | None = None
    best_update: int | None = None
    without_best: int = 0
    skipped: int = 0
    skipped_in_row: int = 0
    finished: bool = False


class RunClips(NamedTuple):
    """The clips of a run: the user's own and replay ones to train on, own held-out ones, held-out replay ones."""

    train: Clips
    valid: Clips | None = None
    replayed: Clips | None = None
    mix: Mix | None = None


@dataclass
class Bench:
    """All that the loop needs, built once."""

    family: Family
    recipe: Recipe
    accelerator: Accelerator
    networks: dict[str, nn.Module]
    parameters: dict[str, nn.Parameter]
    optimizer: Any
    train: Clips
    valid: Clips | None
    replayed: Clips | None
    schedule: Schedule
    stages: tuple[Stage, ...]
    ema: Ema | None
    fresh: dict[str, torch.Tensor] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)

    @property
    def updates(self) -> int:
        """Updates of all stages; a stage that stops early makes it fewer."""
        return sum(stage.updates for stage in self.stages)

    @property
    def stage(self) -> Stage:
        """The present stage."""
        return self.stages[self.progress.stage]

    @property
    def stage_over(self) -> bool:
        """Whether the present stage has had all its updates."""
        return self.progress.update - self.progress.stage_began >= self.stage.updates

    @property
    def last_stage(self) -> bool:
        """Whether no stage follows the present one."""
        return self.progress.stage + 1 == len(self.stages)

    @property
    def over(self) -> bool:
        """Whether there is nothing left to do."""
        return self.last_stage and (self.stage_over or self.progress.finished)

    @property
    def active(self) -> dict[str, nn.Module]:
        """The networks of the present stage."""
        return {name: self.networks[name] for name in self.stage.networks}

    @property
    def settings(self) -> TrainRecipe:
        """The recipe's training section."""
        return self.recipe.train

    def to_device(self, batch: Batch) -> Batch:
        """Tensors to the run's device, the rest as it is."""
        return to_device(batch, self.accelerator.device)

    def chosen_weights(self) -> AbstractContextManager[None]:
        """The weights that are evaluated, called best and exported: the average if the recipe says so."""
        if self.ema is not None and self.settings.use_weights == "ema":
            return self.ema.applied()
        return nullcontext()

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Evaluation mode with the chosen weights, without gradients."""
        for network in self.networks.values():
            network.eval()
        with self.chosen_weights(), torch.no_grad():
            yield
        for network in self.networks.values():
            network.train()


def to_device(batch: Batch, device: torch.device | str) -> Batch:
    """Tensors to ``device``, the rest as it is."""
    return {k: v.to(device, non_blocking=True) if isinstance(v, torch.Tensor) else v for k, v in batch.items()}


def build_bench(context: RunContext, clips: RunClips | None = None) -> Bench:
    """Load the base, attach the adapter, open the cache, make the optimizer.

    Args:
        context: The run.
        clips: Those of the run's manifest by default.

    Raises:
        TunesmithError: when clips are not encoded, or the device is not there.
    """
    recipe, family = context.recipe, context.family
    accelerator = make_accelerator(recipe)
    train, valid, replayed, mix = clips or open_clips(context)
    networks = prepare_networks(family, recipe, accelerator)
    parameters = adapters.trainable(networks)
    optimizer = make_optimizer(parameters, recipe, fused=accelerator.device.type == "cuda")
    per_update = clips_per_update(recipe.train, accelerator.num_processes)
    schedule = Schedule(train, per_update, recipe.train.seed, mix)
    return Bench(
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
        stages=plan_stages(family.stages(), recipe.train, schedule.clips_per_epoch, accelerator.num_processes),
        ema=Ema(parameters, recipe.train.ema_decay) if recipe.train.ema_decay else None,
        fresh={
            name: p.detach().to("cpu", copy=True)
            for name, p in parameters.items()
            if not tuning_of(networks[name.split(".", 1)[0]])
        },
    )


def make_optimizer(parameters: dict[str, nn.Parameter], recipe: Recipe, *, fused: bool) -> torch.optim.AdamW:
    """AdamW with one group per network, whose ``share`` is its learning rate over the recipe's."""
    peak = recipe.train.learning_rate
    groups = []
    for network in dict.fromkeys(name.split(".", 1)[0] for name in parameters):
        own = recipe.adapter.networks.get(network)
        share = own.learning_rate / peak if own and own.learning_rate else 1.0
        mine = [p for name, p in parameters.items() if name.split(".", 1)[0] == network]
        groups.append({"params": mine, "lr": peak * share, "share": share, "network": network})
    return torch.optim.AdamW(groups, betas=recipe.train.betas, weight_decay=recipe.train.weight_decay, fused=fused)


def prepare_networks(family: Family, recipe: Recipe, accelerator: Accelerator) -> dict[str, nn.Module]:
    """Base networks on the device with fresh adapters: base in half precision where asked, adapter always fp32."""
    base = family.networks()
    half = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(accelerator.mixed_precision)
    for name, network in base.items():
        kept = name in family.full_precision or recipe.adapter.of(name).kind == "full"
        network.to(accelerator.device, torch.float32 if kept else half or torch.float32)
    networks = adapters.attach(base, recipe.adapter, family.adapter_defaults(), recipe.train.seed)
    for parameter in adapters.trainable(networks).values():
        parameter.data = parameter.data.float()
    if recipe.train.gradient_checkpointing:
        family.checkpointing(networks)
    if recipe.train.compile == "regional" and accelerator.device.type == "cuda":
        family.compile_blocks(networks)
    for network in networks.values():
        network.train()
    return networks


def open_clips(context: RunContext) -> RunClips:
    """The encoded clips of a run."""
    samples = list(read_manifest(context.folder.manifest))
    training = [s for s in samples if s.split == "train"]
    if not training:
        raise TunesmithError(
            "no training clips are left", where=str(context.folder.manifest), remedy="See the checks' findings."
        )
    mix = mix_of(training, context.recipe.data.replay_share)
    own = [s for s in samples if s.split == "valid" and not is_replay(s)]
    replayed = [s for s in samples if s.split == "valid" and is_replay(s)]
    return RunClips(
        clips_of(context, mix.entries(training) if mix else training),
        clips_of(context, own) if own else None,
        clips_of(context, replayed) if replayed else None,
        mix,
    )


def clips_of(context: RunContext, samples: Sequence[Sample]) -> Clips:
    """Encoded samples with the recipe's window lengths."""
    store = EncodedStore(context.folder.cache, context.family.fields())
    clock = next((spec.rate for spec in context.family.fields() if spec.rate), 1.0)
    data = context.recipe.data
    return Clips(
        context.family,
        store,
        samples,
        max_frames=max(1, round(data.max_seconds * clock)) if not context.family.speaks() else sys.maxsize,
        min_frames=max(1, round(data.min_crop_seconds * clock)),
    )


def make_accelerator(recipe: Recipe) -> Accelerator:
    """Device and precision by the recipe; one process unless launched by torchrun or ``accelerate launch``.

    Raises:
        TunesmithError: when the device asked for is not there.
    """
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state()  # a process may train more than one run, each with its own precision
    wanted = recipe.model.device
    if wanted.startswith("cuda") and not torch.cuda.is_available():
        raise TunesmithError("there is no CUDA device", where="model.device", remedy="Use `auto` or `cpu`.")
    cpu = wanted == "cpu" or (
        wanted == "auto" and not torch.cuda.is_available() and not torch.backends.mps.is_available()
    )
    if wanted.startswith("cuda:"):
        torch.cuda.set_device(wanted)
    return Accelerator(cpu=cpu, mixed_precision=precision_for(recipe.model.precision, "cpu" if cpu else "gpu"))


def precision_for(wanted: str, device: str) -> str:
    """Accelerate's name of the precision that will be used: half precision never on a CPU, fp16 only without bf16."""
    if device == "cpu" or wanted == "fp32":
        return "no"
    if not torch.cuda.is_available():
        return "no"  # Apple GPUs train in fp32
    has_bf16 = torch.cuda.is_bf16_supported()
    if wanted == "auto":
        return "bf16" if has_bf16 else "no"
    return "bf16" if has_bf16 else "fp16"
