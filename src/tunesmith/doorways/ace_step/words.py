"""What the trainer says before it begins: sizes, how long it will take, and flags that mean something else here."""

from __future__ import annotations

import argparse
import math

from tunesmith.data.sample import Sample
from tunesmith.doorways.ace_step.lora_config import Size
from tunesmith.doorways.ace_step.options import PRECISIONS, TRAIN_DEFAULTS
from tunesmith.recipe.models import Recipe
from tunesmith.run.context import RunContext
from tunesmith.training.planner import OPTIMIZER_BYTES, card_for_planning, duration, estimate

LONG = 3 * 86_400
"""Seconds from which a run is called as good as endless."""


def sizes(recipe: Recipe, size: Size) -> list[str]:
    """Memory of base, adapter and optimizer, and disk of the adapters that are kept."""
    train, wide = recipe.train, recipe.model.precision == "fp32"
    base, half = size.base * (4 if wide else 2), size.base * 2
    saves = math.ceil((train.updates or 0) / train.save_every)
    # PEFT's file and the one that ACE-Step and ComfyUI load, fp32 both.
    saved = 2 * 4 * size.adapter
    return [
        f"precision {recipe.model.precision}: the frozen base takes {_bytes(base)} of memory"
        + (f" ({_bytes(half)} with --precision bf16-mixed on a GPU)" if wide else " on a GPU (a CPU runs fp32)"),
        f"adapter: rank {recipe.adapter.rank}, {size.adapter / 1e6:.1f} M parameters; with gradients and optimizer "
        f"{_bytes(OPTIMIZER_BYTES * size.adapter)} of memory",
        f"saves: every {train.save_every} updates and at the end, about {_bytes(saved)} each, all kept: "
        f"{saves} in the whole run ({_bytes(saved * saves)})",
    ]


def length(context: RunContext, samples: list[Sample], args: argparse.Namespace, per_epoch: int) -> list[str]:
    """How many updates, what an epoch is, and how long that takes; a run without an end in sight is said."""
    recipe = context.recipe
    updates = recipe.train.updates or 0
    clips = sum(sample.split == "train" for sample in samples)
    lines = [
        f"an epoch is {per_epoch} updates (the dataset's rows, repeats counted); "
        f"{updates} updates are {updates / per_epoch:.1f} epochs, and each of the {clips} training clips is drawn "
        f"about {max(1, round(updates * per_update(args) / max(1, clips)))} times"
    ]
    known = card_for_planning(recipe)
    if known is None:
        return lines
    lengths = [audio.duration or 0.0 for sample in samples for audio in sample.audios.values()] or [0.0]
    plan = estimate(recipe, known[0], sum(lengths), len(samples), longest=max(lengths), local=known[1])
    seconds = {device.device: sum(device.seconds.values()) for device in plan.devices}
    told = ", ".join(f"{duration(total)} on a {device}" for device, total in seconds.items())
    lines.append(f"time: very roughly {told}")
    if args.max_steps == TRAIN_DEFAULTS["max_steps"] and args.epochs == -1 and min(seconds.values()) > LONG:
        lines.append(
            f"warning: --max_steps is the guide's {updates}, so in practice this run ends when you stop it: Ctrl-C "
            "finishes the update and saves, --resume auto goes on; --max_steps or --epochs give it an end, and a "
            "learning rate that falls to it"
        )
    return lines


def per_update(args: argparse.Namespace) -> int:
    """Clips per update over all processes."""
    return int(args.batch_size * args.accumulate_grad_batches * args.devices * args.num_nodes)


def remarks(args: argparse.Namespace, recipe: Recipe) -> list[str]:
    """Flags that do less or something else than elsewhere, where they were given."""
    from tunesmith.families.ace_step.adapter_targets import idle_targets

    found = [f"warning: {text}" for text in idle_targets(recipe.adapter.targets or ())]
    if args.num_workers != TRAIN_DEFAULTS["num_workers"]:
        found.append("--num_workers has nothing to do: clips are encoded once, before training, and read from the disk")
    if args.reload_dataloaders_every_n_epochs != 1:
        found.append(
            "--reload_dataloaders_every_n_epochs: order, crops and tag order are drawn anew every epoch anyway"
        )
    if PRECISIONS[args.precision] == "fp16":
        found.append("--precision 16: bf16 is used where the GPU has it")
    if args.val_check_interval is None:
        found.append(f"held-out loss is measured at every save ({recipe.train.save_every} updates)")
    if not recipe.previews.every:
        found.append("--every_plot_step 0: no curves and no audio while it trains")
    return found


def _bytes(amount: float) -> str:
    if amount >= 1e12:
        return f"{amount / 1e12:.1f} TB"
    return f"{amount / 1e9:.1f} GB" if amount >= 1e9 else f"{amount / 1e6:.1f} MB"
