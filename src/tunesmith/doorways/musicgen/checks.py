"""``test_dataset.py`` and ``test_model.py``: can the clips be read, and can the base model read them?"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.doorways.common import Parser, run_doorway
from tunesmith.doorways.musicgen.options import CHECK_KEYS, COMMANDS, TRAIN_DEFAULTS, TYPES
from tunesmith.doorways.musicgen.train_lora import HELP, as_recipe
from tunesmith.run.console import Console
from tunesmith.texts import Message, msg

if TYPE_CHECKING:
    from tunesmith.data.sample import Sample
    from tunesmith.run.context import RunContext

CLIPS = 8
"""As many clips as the preflight gates look at."""


def test_dataset(argv: Sequence[str] | None = None) -> int:
    """Check every clip as training would, and load a batch; exits with 1 when a clip cannot be used."""
    from tunesmith.records.findings import CheckFindings
    from tunesmith.stages.check import check

    args = _read("test_dataset", msg("Check the clips of a metadata file, and load a batch of them."), argv)
    with tempfile.TemporaryDirectory() as folder:
        context = _context(args, Path(folder))
        check(context)
        quarantined = CheckFindings.read(context.folder.findings).quarantined
    context.console.log(_first_batch(args, context))
    if not quarantined:
        context.console.log(msg("Every clip can be used."), style="bold green")
        return 0
    context.console.warn(
        msg(
            "{count} clips cannot be used ({clips}); train_lora.py goes on without them",
            count=len(quarantined),
            clips=tuple(quarantined),
        )
    )
    return 1


def _first_batch(args: argparse.Namespace, context: RunContext) -> Message:
    from tunesmith.doorways.musicgen.dataset import MusicGenDataset, create_dataloader
    from tunesmith.run.base_card import card_for_planning

    known = card_for_planning(context.recipe)
    rate, channels = (known[0].sample_rate, known[0].channels) if known else (32_000, 1)
    dataset = MusicGenDataset(
        args.data_dir, args.metadata_file, sample_rate=rate, channels=channels, max_duration=args.max_duration
    )
    batch = next(iter(create_dataloader(dataset, args.batch_size)))
    return msg(
        "first batch: audio {shape} at {rate} Hz, {seconds} s, captions: {captions}",
        shape=" × ".join(str(size) for size in batch["audio"].shape),
        rate=rate,
        seconds=tuple(f"{seconds:.1f}" for seconds in batch["seconds"]),
        captions=tuple(f"`{text}`" for text in batch["text"]),
    )


def test_model(argv: Sequence[str] | None = None) -> int:
    """Send a few clips through the base model and the preflight gates; exits with 1 where training would stop."""
    from tunesmith.stages.encode import encode
    from tunesmith.training.gates import run_gates
    from tunesmith.training.setup import build_train_state

    args = _read("test_model", msg("Send a few clips through the base model, as training does first."), argv)
    with tempfile.TemporaryDirectory() as folder:
        context = _context(args, Path(folder))
        samples = _few_samples(args, context)
        encode(context)
        results = run_gates(build_train_state(context), samples)
    words = {"pass": msg("passed"), "warn": msg("warning"), "stop": msg("stops"), "off": msg("off")}
    for gate in results:
        said = msg("gate {name}: {message}", name=gate.name, message=gate.message)
        context.console.log(msg("{status}: {said}", status=words[gate.status], said=said))
    stopped = tuple(gate.name for gate in results if gate.status == "stop")
    if stopped:
        context.console.warn(msg("train_lora.py would stop at: {gates}", gates=stopped))
        return 1
    context.console.log(msg("The base model reads these clips; train_lora.py can begin."), style="bold green")
    return 0


def _few_samples(args: argparse.Namespace, context: RunContext) -> list[Sample]:
    from tunesmith.data.sample import write_manifest
    from tunesmith.doorways.musicgen.dataset import MusicGenDataset

    listed = MusicGenDataset(args.data_dir, args.metadata_file).samples
    held = [sample for sample in listed if sample.split == "valid"][:CLIPS]
    train = [sample.with_split("train") for sample in listed if sample.split != "valid"][:CLIPS]
    write_manifest(context.folder.manifest, [*train, *held])
    return [*train, *held]


def _read(name: str, about: Message, argv: Sequence[str] | None) -> argparse.Namespace:
    defaults = {key: TRAIN_DEFAULTS[key] for key in CHECK_KEYS}
    parser = Parser(name, about, defaults, TYPES)
    for key in CHECK_KEYS:
        parser.value(key, HELP[key])
    args = parser.read(argv)
    parser.check_config_keys(args, COMMANDS)
    return args


def _context(args: argparse.Namespace, root: Path) -> RunContext:
    """A run in a folder that is thrown away, by the recipe that train_lora.py would make of the same flags."""
    from tunesmith.doorways.musicgen.setup import require_list
    from tunesmith.recipe.load import build
    from tunesmith.recipe.tree import Tree
    from tunesmith.run.base_card import card_for_planning
    from tunesmith.run.context import RunContext
    from tunesmith.run.folder import RunFolder

    require_list(args.data_dir, args.metadata_file)
    recipe = build(Tree(as_recipe(argparse.Namespace(**{**TRAIN_DEFAULTS, **vars(args)})))).recipe
    card_for_planning(recipe)
    return RunContext(RunFolder(root / "check").create(), recipe, Console())


def dataset_main() -> int:
    """Entry of ``test_dataset.py``."""
    return run_doorway(test_dataset)


def model_main() -> int:
    """Entry of ``test_model.py``."""
    return run_doorway(test_model)
