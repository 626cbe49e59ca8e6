"""``finetune_demo.py``: the guide's YAML and flags, run by the same stages as ``tunesmith train``."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.doorways.common import DEBUG, SpokenParser, add_overrides, chosen_overrides, in_help, run_doorway
from tunesmith.doorways.step_audio.config import DEFAULT, KEY_OF, Given, read_config
from tunesmith.doorways.step_audio.resume import AUTO, refuse_resume
from tunesmith.doorways.step_audio.run_dir import Places, places
from tunesmith.planning.sentences import plan_lines
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.stages.writing import writing
from tunesmith.texts import in_every_language, msg

if TYPE_CHECKING:
    from tunesmith.doorways.step_audio.saves import Saves

GO_ON = msg("The same command goes on from there.")
COMMANDS: dict[str, set[str]] = {"finetune_demo": {"config", "mode", "resume", "test", "gate", "set"}}
"""Flags of the command."""


def parser() -> argparse.ArgumentParser:
    """The command's flags."""
    made = SpokenParser(
        prog="finetune_demo.py",
        description=in_every_language(msg("Fine-tune Step-Audio-EditX: its LLM by LoRA, its flow decoder, or both.")),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("--config", default=DEFAULT, help=in_help(msg("the YAML")) + f" (default: {DEFAULT})")
    made.add_argument(
        "--mode", choices=("llm", "flow", "both"), help=in_help(msg("what to train; goes before basic.train_mode"))
    )
    made.add_argument(
        "--resume",
        nargs="?",
        const=AUTO,
        metavar="CHECKPOINT",
        help=in_help(msg("go on with this run, and refuse to begin another")),
    )
    made.add_argument(
        "--test", action="store_true", help=in_help(msg("only speak a held-out sample with base and tuned weights"))
    )
    add_overrides(made)
    made.add_argument("--debug", action="store_true", help=in_help(DEBUG))
    return made


def finetune_demo(argv: Sequence[str] | None = None) -> int:
    """Check, encode, train, and speak a sample with both weights."""
    args = parser().parse_args(argv)
    given = read_config(Path(args.config))
    mode = args.mode or given.config.basic.train_mode
    command = shlex.join(["finetune_demo.py", *(sys.argv[1:] if argv is None else argv)])
    chosen = chosen_overrides(args, KEY_OF)
    context = open_run(given, mode, places(given), args.resume, command, chosen)
    with writing(context.folder, command, context.console):
        if args.test:
            from tunesmith.doorways.step_audio.postprocess import compare

            compare(context)
            return 0
        return _train(context, given, mode)


def train(given: Given, mode: str | None = None) -> int:
    """Do what the command does with a file that was read already.

    Args:
        given: The file.
        mode: ``llm``, ``flow`` or ``both``; what the file says where it is left out.

    Raises:
        TunesmithError: as the command prints it.
    """
    wanted = mode or given.config.basic.train_mode
    command = shlex.join(["finetune_demo.py", "--mode", wanted])
    return _train(open_run(given, wanted, places(given), None, command), given, wanted)


def open_run(
    given: Given, mode: str, where: Places, resume: str | None, command: str, overrides: Sequence[str] = ()
) -> RunContext:
    """The run in ``save.ckpt_dir``; nothing in it changes yet.

    Raises:
        TunesmithError: for a value that cannot be used, or a checkpoint that ``--resume`` cannot go on from.
    """
    from tunesmith.doorways.step_audio.recipe import as_recipe
    from tunesmith.recipe.load import build
    from tunesmith.recipe.tree import Tree

    recipe = build(Tree(as_recipe(given, mode, where)), overrides).recipe
    refuse_resume(resume, where.folder, recipe, mode)
    where.folder.create()
    return RunContext(where.folder, recipe, Console(log_file=where.folder.log), command)


def _train(context: RunContext, given: Given, mode: str) -> int:
    from tunesmith.cli.guard import working_on
    from tunesmith.doorways.step_audio import notices, postprocess
    from tunesmith.doorways.step_audio.saves import training_status
    from tunesmith.stages.pipeline import run_stages
    from tunesmith.training.trainer import InterruptedRunError

    folder, console = context.folder, context.console
    working_on(folder.path)
    for line in notices.remarks(given, mode):
        console.log(line)
    run_stages(context, ["check"])
    context, saves = with_intervals(context, given, mode)
    status = training_status(context)
    if not status and (moved := saves.set_aside(mode)):
        console.log(msg("checkpoint files of an earlier run are kept in {path}", path=str(moved)))
    try:
        run_stages(context, ["train"], asked="fresh_if_changed")
    except InterruptedRunError as error:
        error.remedy = GO_ON
        raise
    if status != "done":
        saves.write_best()
    postprocess.compare(context)
    if given.config.save.merged and (status != "done" or not (folder.path / postprocess.MERGED).exists()):
        postprocess.merge(context)
    files = tuple(str(file) for file in postprocess.best_files(folder).values())
    console.log(msg("best: {files}   adapter (PEFT): {adapter}", files=files, adapter=str(folder.best)))
    console.log(
        msg(
            "report: tunesmith report {run}   curves: tensorboard --logdir={run}",
            run=str(folder.path),
        )
    )
    return 0


def with_intervals(context: RunContext, given: Given, mode: str) -> tuple[RunContext, Saves]:
    """The run with its intervals in updates, once its clips tell how long an epoch is; and its checkpoint writer."""
    from tunesmith.data.sample import read_manifest
    from tunesmith.doorways.step_audio import notices
    from tunesmith.doorways.step_audio.saves import Saves
    from tunesmith.recipe.write import dump_resolved
    from tunesmith.run.base_card import card_for_planning
    from tunesmith.stages.open import keep_previous
    from tunesmith.stages.planned import make_plan
    from tunesmith.training.schedule import updates_in

    recipe, config, folder = context.recipe, given.config, context.folder
    clips = sum(sample.split == "train" for sample in read_manifest(folder.manifest))
    per_epoch = updates_in(1, recipe.train, clips) or 1
    every = {"valid_every": per_epoch * config.basic.val_interval, "save_every": per_epoch * config.save.save_interval}
    recipe = recipe.model_copy(update={"train": recipe.train.model_copy(update=every)})
    saves = Saves(folder, per_epoch)
    context = replace(context, recipe=recipe, on_saved=saves)
    keep_previous(folder, dump_resolved(recipe))
    context.console.log(notices.lengths(given, mode, recipe, per_epoch))
    if card_for_planning(recipe) is not None:
        plan = make_plan(context)
        plan.write(folder.plan)
        for line in plan_lines(plan):
            context.console.log(line)
    return context, saves


def main() -> int:
    """Entry of the script."""
    return run_doorway(finetune_demo)
