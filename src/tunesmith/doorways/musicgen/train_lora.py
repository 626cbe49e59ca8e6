"""``train_lora.py``: the guide's flags, turned into a recipe and run by the same stages as ``tunesmith train``."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunesmith.doorways.common import Parser, chosen_overrides, run_doorway
from tunesmith.doorways.musicgen.options import COMMANDS, FLAG_OF, TRAIN_DEFAULTS, TYPES
from tunesmith.errors import TunesmithError
from tunesmith.files import read_json
from tunesmith.recipe.advice import LEARNING_RATE, rate_advice
from tunesmith.run.console import Console
from tunesmith.texts import Message, msg

if TYPE_CHECKING:
    from tunesmith.recipe.models import Recipe
    from tunesmith.run.context import RunContext
    from tunesmith.run.folder import RunFolder

LONGEST = 30.0
"""Seconds that MusicGen was trained on at most."""
HELP = {
    "model_path": msg("base model: hub id, folder, or `pocket`"),
    "data_dir": msg("folder with the metadata file"),
    "metadata_file": msg("name of the metadata file"),
    "output_dir": msg("where checkpoints/, best_model/ and final_model/ go; it is a run folder"),
    "lora_rank": msg("LoRA rank"),
    "lora_alpha": msg("LoRA alpha; the scale is alpha / rank"),
    "lora_dropout": msg("dropout on the adapter's input"),
    "learning_rate": msg("peak learning rate"),
    "batch_size": msg("clips per micro-batch"),
    "gradient_accumulation_steps": msg("micro-batches per update"),
    "num_epochs": msg("passes over the clips"),
    "warmup_steps": msg("warm-up updates; cut to 10 % of all updates"),
    "save_steps": msg("updates between checkpoints"),
    "logging_steps": msg("updates between lines of training loss"),
    "max_grad_norm": msg("gradient clipping"),
    "weight_decay": msg("AdamW weight decay"),
    "max_duration": msg("longest crop in seconds; shorter clips keep their true length"),
    "target_duration": msg("length of previews in seconds; training never pads to it"),
}


def train_lora(argv: Sequence[str] | None = None) -> int:
    """Check, encode and train."""
    parser = Parser("train_lora", msg("Train a LoRA adapter on MusicGen."), TRAIN_DEFAULTS, TYPES)
    for name, text in HELP.items():
        parser.value(name, text)
    parser.switch("fp16", msg("half precision on a GPU: bf16 where it has it, else fp16 with a loss scaler"))
    parser.switch("bf16", msg("bf16, on a CPU too: without AMX or AVX512-BF16 it is many times slower"))
    parser.switch("resume", msg("continue from the newest checkpoint in output_dir"))
    parser.overrides()
    args = parser.read(argv)
    parser.check_config_keys(args, COMMANDS)
    settle_precision(args)
    return _run(args, argv)


def settle_precision(args: argparse.Namespace) -> None:
    """One half precision at most; a flag goes before a key of config.yaml.

    Raises:
        TunesmithError: when both are asked for in the same place.
    """
    if not (args.fp16 and args.bf16):
        return
    if ("fp16" in args.given) == ("bf16" in args.given):
        raise TunesmithError(msg("--fp16 and --bf16 contradict each other"), remedy=msg("Give one of them."))
    args.fp16, args.bf16 = "fp16" in args.given, "bf16" in args.given


def _run(args: argparse.Namespace, argv: Sequence[str] | None) -> int:
    from tunesmith.cli.guard import working_on
    from tunesmith.stages.pipeline import run_stages
    from tunesmith.stages.writing import writing

    context = open_context(args, "train_lora.py " + " ".join(sys.argv[1:] if argv is None else argv))
    folder, console = context.folder, context.console
    working_on(folder.path)
    for line in (*advice(args, context.recipe), *intentions(args, folder)):
        console.log(line)
    with writing(folder, context.command, console):
        run_stages(context, ["check", "encode"])
        run_stages(context, ["train"], asked="resume" if args.resume else "fresh")
    console.log(
        msg(
            "best: {best}   last: {last}   checkpoints: {checkpoints}",
            best=str(folder.best),
            last=str(folder.final),
            checkpoints=str(folder.checkpoints),
        )
    )
    console.log(msg("report: tunesmith report {run}", run=str(folder.path)))
    return 0


def open_context(args: argparse.Namespace, command: str) -> RunContext:
    """The run in ``output_dir``, made only once base model and data are known to be there.

    Raises:
        TunesmithError: for a value out of range, a missing metadata file, or an unknown base model.
    """
    from tunesmith.doorways.musicgen.setup import require_list
    from tunesmith.recipe.load import build
    from tunesmith.recipe.tree import Tree
    from tunesmith.recipe.write import dump_resolved
    from tunesmith.run.base_card import card_for_planning
    from tunesmith.run.context import RunContext
    from tunesmith.run.folder import RunFolder
    from tunesmith.stages.open import keep_previous
    from tunesmith.stages.writing import writing

    require_list(args.data_dir, args.metadata_file)
    recipe = build(Tree(as_recipe(args)), chosen_overrides(args, FLAG_OF)).recipe
    folder = RunFolder(Path(args.output_dir))
    context = RunContext(folder, recipe, Console(log_file=folder.log), command, advised=frozenset({LEARNING_RATE}))
    card_for_planning(recipe)
    with writing(folder, command):
        keep_previous(folder, dump_resolved(recipe))
    return context


def intentions(args: argparse.Namespace, folder: RunFolder) -> list[Message]:
    """What is about to happen to earlier results, and how long previews are."""
    has_checkpoint = folder.checkpoints.exists() and any(folder.checkpoints.iterdir())
    path, found = str(folder.checkpoints), []
    if args.resume and not has_checkpoint:
        found.append(
            msg("--resume: there is no checkpoint in {path} yet, so this starts from the beginning", path=path)
        )
    if has_checkpoint and not args.resume:
        found.append(
            msg(
                "starting anew; the earlier results move to {path} (--resume continues them)",
                path=str(folder.attempts),
            )
        )
    previews = msg(
        "previews of {seconds:g} s before training, every {every} updates and at the end (a smaller "
        "--target_duration makes them quicker)",
        seconds=args.target_duration,
        every=args.save_steps,
    )
    return [*found, previews]


def as_recipe(args: argparse.Namespace) -> dict[str, Any]:
    """The flags as a recipe; everything not among them keeps Tunesmith's own default."""
    from tunesmith.recipe.load import resolved_path

    longest = min(args.max_duration, LONGEST)
    return {
        "name": Path(args.output_dir).name or "output",
        "model": {
            "path": resolved_path(str(args.model_path), Path.cwd(), always=False),
            "precision": "fp16" if args.fp16 else "bf16" if args.bf16 else "fp32",
        },
        "data": {
            "folder": str(Path(args.data_dir).resolve()),
            "layout": "metadata",
            "metadata_file": str(args.metadata_file),
            "max_seconds": longest,
            "min_crop_seconds": min(10.0, longest),
        },
        "adapter": {"rank": args.lora_rank, "alpha": args.lora_alpha, "dropout": args.lora_dropout},
        "train": {
            "epochs": args.num_epochs,
            "batch_size": args.batch_size,
            "accumulation": args.gradient_accumulation_steps,
            "learning_rate": args.learning_rate,
            "warmup_updates": args.warmup_steps,
            "weight_decay": args.weight_decay,
            "max_grad_norm": args.max_grad_norm,
            "save_every": args.save_steps,
            "log_every": args.logging_steps,
            "valid_every": updates_per_epoch(args),
        },
        "previews": {"every": args.save_steps, "seconds": args.target_duration},
        "generate": {"seconds": args.target_duration},
        "evaluate": {"seconds": args.target_duration},
    }


def updates_per_epoch(args: argparse.Namespace) -> int:
    """Held-out loss is measured once per epoch, as the guide prints it."""
    path = Path(args.data_dir) / args.metadata_file
    entries = read_json(path) if path.exists() else []
    rows = entries if isinstance(entries, list) else []
    held_out = sum(isinstance(row, dict) and str(row.get("audio", "")).startswith("valid/") for row in rows)
    clips = len(rows) - (held_out or max(2, round(len(rows) * 0.1)))
    updates: int = max(1, math.ceil(clips / (args.batch_size * args.gradient_accumulation_steps)))
    return updates


def advice(args: argparse.Namespace, recipe: Recipe) -> list[Message]:
    """Documented values that are known to hurt, each with the reason and a better value."""
    found: list[Message] = []
    if args.lora_dropout > 0:
        found.append(
            msg(
                "--lora_dropout {dropout:g}: the base was trained without dropout, and training loss is then not "
                "comparable with held-out loss; 0 is better",
                dropout=args.lora_dropout,
            )
        )
    found += rate_advice(recipe, "--learning_rate")
    if args.lora_alpha / args.lora_rank > 2:
        found.append(
            msg(
                "--lora_alpha {alpha:g} at rank {rank}: a scale above 2 acts like a larger learning rate; alpha = rank "
                "is better",
                alpha=args.lora_alpha,
                rank=args.lora_rank,
            )
        )
    if args.max_duration > LONGEST:
        found.append(
            msg(
                "--max_duration {seconds:g}: MusicGen was trained on at most {longest:g} s, so crops of {longest:g} s "
                "are used",
                seconds=args.max_duration,
                longest=LONGEST,
            )
        )
    return [msg("warning: {said}", said=said) for said in found]


def main() -> int:
    """Entry of the script."""
    return run_doorway(train_lora)
