"""What the trainer prints before it begins: epochs, saves, a run without an end, flags that mean something else."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence

from tunesmith.data.sample import Sample
from tunesmith.doorways.ace_step.options import PRECISIONS, TRAIN_DEFAULTS
from tunesmith.planning.sentences import duration
from tunesmith.recipe.models import Recipe
from tunesmith.texts import Message, msg


def per_update(args: argparse.Namespace) -> int:
    """Clips per update over all processes."""
    return int(args.batch_size * args.accumulate_grad_batches * args.devices * args.num_nodes)


def remarks(args: argparse.Namespace) -> list[Message]:
    """Flags that do less or something else here, where they were given another value than the guide's."""
    found = []
    if PRECISIONS[args.precision] == "fp32":
        found.append(msg("--precision 32: the base is kept in fp32, twice the memory of --precision bf16-mixed"))
    if args.num_workers != TRAIN_DEFAULTS["num_workers"]:
        found.append(
            msg("--num_workers has nothing to do: clips are encoded once, before training, and read from the disk")
        )
    if args.reload_dataloaders_every_n_epochs != TRAIN_DEFAULTS["reload_dataloaders_every_n_epochs"]:
        found.append(
            msg("--reload_dataloaders_every_n_epochs: order, crops and tags are drawn anew in every epoch anyway")
        )
    if args.val_check_interval is None:
        found.append(
            msg(
                "--val_check_interval None: held-out loss is measured at every save, {every}",
                every=args.every_n_train_steps,
            )
        )
    if not args.every_plot_step:
        found.append(msg("--every_plot_step 0: no curves and no audio while it trains"))
    return found


def epochs(recipe: Recipe, samples: Sequence[Sample], clips_per_update: int, per_epoch: int) -> Message:
    """What an epoch is here, and how often a clip is trained on."""
    updates, clips = recipe.train.updates or 0, sum(sample.split == "train" for sample in samples)
    return msg(
        "an epoch is {per_epoch} updates (the dataset's rows, repeats counted), so this run is {epochs:,.1f} epochs; "
        "each of the {clips} training clips is drawn about {times} times",
        per_epoch=per_epoch,
        epochs=updates / per_epoch,
        clips=clips,
        times=max(1, round(updates * clips_per_update / max(1, clips))),
    )


def share_of_epoch(share: float, recipe: Recipe) -> Message:
    """What a share of an epoch between measurements comes to."""
    return msg(
        "--val_check_interval {share:g}: held-out loss is measured every {every} updates, that share of an epoch",
        share=share,
        every=recipe.train.valid_every,
    )


def saves(recipe: Recipe, adapter: int) -> Message:
    """How much disk the adapters of all saves take; they hold PEFT's file and the one that other tools load."""
    size = 2 * 4 * adapter
    number = math.ceil((recipe.train.updates or 0) / recipe.train.save_every)
    return msg(
        "saves: an adapter of {parameters:.1f} M parameters ({size}) every {every} updates and at the end; all are "
        "kept, {count} of them take {whole}",
        parameters=adapter / 1e6,
        size=_bytes(size),
        every=recipe.train.save_every,
        count=number,
        whole=_bytes(size * number),
    )


def endless(args: argparse.Namespace, seconds: float) -> Message | None:
    """A warning that a run has no end in sight, where its length is the guide's default; else nothing."""
    if args.max_steps != TRAIN_DEFAULTS["max_steps"] or args.epochs != -1:
        return None
    return msg(
        "warning: --max_steps is the guide's {updates}, {duration} or more, so in practice this run ends when you stop "
        "it: Ctrl-C finishes the update and saves, --resume auto goes on. A --max_steps or --epochs of your own gives "
        "it an end, and a learning rate that falls to it",
        updates=args.max_steps,
        duration=duration(seconds),
    )


def _bytes(amount: float) -> str:
    if amount >= 1e12:
        return f"{amount / 1e12:.1f} TB"
    return f"{amount / 1e9:.1f} GB" if amount >= 1e9 else f"{amount / 1e6:.1f} MB"
