"""From the trainer's flags to a run folder with checked and encoded clips."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from tunesmith.cli.guard import working_on
from tunesmith.data.sample import Sample, read_manifest
from tunesmith.doorways.ace_step import notices, run_dir
from tunesmith.doorways.ace_step.lora_config import adapter_size
from tunesmith.doorways.ace_step.options import FLAG_OF
from tunesmith.doorways.ace_step.recipe import Folders, as_recipe, folders
from tunesmith.doorways.common import chosen_overrides
from tunesmith.errors import TunesmithError
from tunesmith.families.ace_step.config import TransformerConfig, read_config
from tunesmith.families.ace_step.family import ACE_STEP
from tunesmith.families.ace_step.source import REPOSITORY, locate
from tunesmith.pocket.shipped import is_pocket
from tunesmith.recipe.load import build
from tunesmith.recipe.models import Recipe
from tunesmith.recipe.tree import Tree
from tunesmith.recipe.write import dump_resolved
from tunesmith.run.base_card import card_for_planning
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder
from tunesmith.stages.dry_run import print_plan
from tunesmith.stages.open import keep_previous
from tunesmith.stages.pipeline import run_stages
from tunesmith.stages.planned import make_plan
from tunesmith.stages.writing import writing
from tunesmith.texts import Message, msg
from tunesmith.training.schedule import listed_epoch


def prepare(args: argparse.Namespace, command: str) -> RunContext:
    """A run folder, ready to be trained.

    Raises:
        TunesmithError: for whatever is wrong with flags, base model or clips; before anything is made where it can be
            known by then.
    """
    run_dir.refuse_name(args.exp_name)
    places = folders(args.model, args.checkpoint_dir)
    recipe = build(Tree(as_recipe(args, places)), chosen_overrides(args, FLAG_OF)).recipe
    adapter = adapter_size(recipe.adapter, base_config(recipe), Path(args.lora_config_path))
    folder, start, note = open_folder(args, places, recipe)
    context = RunContext(folder, recipe, Console(log_file=folder.log), command)
    working_on(folder.path, msg("the same flags with --resume auto go on from there"))
    with writing(folder, command, context.console):
        return _prepared(context, args, start, (places.note, note, *notices.remarks(args)), adapter)


def _prepared(
    context: RunContext,
    args: argparse.Namespace,
    start: Path | None,
    remarks: Sequence[Message | None],
    adapter: int,
) -> RunContext:
    folder = context.folder
    keep_previous(folder, dump_resolved(context.recipe))
    for line in remarks:
        if line:
            context.console.log(line)
    run_stages(context, ["check"])
    samples = list(read_manifest(folder.manifest))
    if start is not None:
        run_dir.refuse_other_clips(start, samples)
        run_dir.begin_from(start, folder)
    context = settled(context, args, samples)
    log_plan(context, args, samples, adapter)
    run_stages(context, ["encode"])
    return context


def base_config(recipe: Recipe) -> TransformerConfig:
    """Sizes of the base model; those of the published one until it has been downloaded.

    Raises:
        TunesmithError: when the path or hub id is none of ACE-Step v1.
    """
    path = recipe.model.path
    if is_pocket(path) or Path(path).is_dir():
        return read_config(locate(path)).transformer
    if not ACE_STEP.recognises(path):
        raise TunesmithError(
            msg("this is no ACE-Step v1 checkpoint"),
            where=path,
            remedy=msg("Give a folder that holds one, or {repository}.", repository=REPOSITORY),
        )
    return TransformerConfig()


def open_folder(
    args: argparse.Namespace, places: Folders, recipe: Recipe
) -> tuple[RunFolder, Path | None, Message | None]:
    """The run's folder, the checkpoint that it continues, and a note about them.

    Raises:
        TunesmithError: for a checkpoint that cannot be continued, or a folder of saves that another run has.
    """
    logs, clips = Path(args.logger_dir).expanduser(), notices.per_update(args)
    if args.resume and args.ckpt_path:
        raise TunesmithError(
            msg("--resume auto and --ckpt_path contradict each other"), remedy=msg("Give one of them.")
        )
    earlier = run_dir.runs_of(logs, args.exp_name) if args.resume else []
    if earlier:
        folder = earlier[-1]
        start = folder.newest_checkpoint()
        if start is not None:
            run_dir.refuse_other(start, recipe, clips)
        going_on = msg("--resume auto: going on in {run}", run=str(folder.path))
        anew = msg("--resume auto: going on in {run}, which has no checkpoint", run=str(folder.path))
        return folder, start, going_on if start else anew
    note = None
    if args.resume:
        note = msg(
            "--resume auto: there is no run of {name} in {path} yet, so this is the first",
            name=args.exp_name,
            path=str(logs / run_dir.LOGS),
        )
    if args.ckpt_path:
        start = Path(args.ckpt_path).expanduser()
        run_dir.refuse_checkpoint(start)
        run_dir.refuse_other(start, recipe, clips)
        if places.saves is not None:
            run_dir.refuse_taken(places.saves)
        from_there = msg("--ckpt_path: going on from {checkpoint}, in a run of its own", checkpoint=str(start))
        return run_dir.new_run(logs, args.exp_name), start, from_there
    if places.saves is not None:
        run_dir.refuse_taken(places.saves)
    return run_dir.new_run(logs, args.exp_name), None, note


def settled(context: RunContext, args: argparse.Namespace, samples: Sequence[Sample]) -> RunContext:
    """The run with the settings that follow from its clips.

    It has ``--max_steps`` updates, or fewer where ``--epochs`` ends before; a share of an epoch becomes updates; and no
    audio is made that is longer than anything it learns from.
    """
    recipe, per_epoch = context.recipe, listed_epoch(samples, notices.per_update(args))
    updates = args.max_steps if args.epochs == -1 else min(args.max_steps, args.epochs * per_epoch)
    longest = max((audio.duration or 0.0 for sample in samples for audio in sample.audios.values()), default=0.0)
    lengths = {"updates": updates}
    if isinstance(share := args.val_check_interval, float):
        lengths["valid_every"] = max(1, int(per_epoch * share))  # rounded down, as Lightning does
    changed = {
        "train": recipe.train.model_copy(update=lengths),
        "previews": recipe.previews.model_copy(update={"seconds": min(recipe.previews.seconds, max(1.0, longest))}),
    }
    context = context.with_recipe(recipe.model_copy(update=changed))
    keep_previous(context.folder, dump_resolved(context.recipe))
    return context


def log_plan(context: RunContext, args: argparse.Namespace, samples: Sequence[Sample], adapter: int) -> None:
    """Memory, disk and time as ``tunesmith plan`` has them, and what it does not know: epochs, saves, no end."""
    console, clips = context.console, notices.per_update(args)
    console.log(notices.epochs(context.recipe, samples, clips, listed_epoch(samples, clips)))
    console.log(notices.saves(context.recipe, adapter))
    if isinstance(args.val_check_interval, float):
        console.log(notices.share_of_epoch(args.val_check_interval, context.recipe))
    if card_for_planning(context.recipe) is None:
        return
    processes = args.devices * args.num_nodes
    print_plan(context, processes=processes)
    plan = make_plan(context, processes=processes)
    seconds = min(device.total_seconds for device in plan.devices)
    if warning := notices.endless(args, seconds):
        console.log(warning, style="yellow")
