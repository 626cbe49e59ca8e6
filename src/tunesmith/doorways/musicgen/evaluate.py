"""``evaluate.py``: base against adapter on the same prompts, seeds and guidance."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from tunesmith.doorways.common import Parser, run_doorway
from tunesmith.doorways.musicgen.options import COMMANDS, GENERATE_DEFAULTS, TYPES, of_evaluate
from tunesmith.errors import TunesmithError
from tunesmith.files import read_json
from tunesmith.texts import msg


def evaluate(argv: Sequence[str] | None = None) -> int:
    """Generate, measure and compare."""
    defaults = {**GENERATE_DEFAULTS, "output_dir": "./finetune/output/evaluation", "compare": False}
    parser = Parser(
        "evaluate",
        msg("Evaluate a LoRA adapter, alone or against its base."),
        defaults,
        TYPES,
        of_evaluate,
    )
    parser.value("base_model_path", msg("base model: hub id, folder, or `pocket`"))
    parser.value("lora_model_path", msg("adapter folder"))
    parser.value("output_dir", msg("where base_model/, lora_model/ and comparison_results.json go"))
    parser.value("duration", msg("length in seconds"))
    parser.switch("compare", msg("generate the base model's side too"))
    parser.values("test_prompts", msg("prompts, or one JSON file with a list of them (default: held-out captions)"))
    parser.value("guidance_scale", msg("classifier-free guidance, the same on both sides"))
    parser.value("seed", msg("prompt i uses seed + i on both sides"))
    args = parser.read(argv)
    parser.check_config_keys(args, COMMANDS)
    return _compare(args, read_prompts(args.test_prompts))


def read_prompts(given: list[str] | str | None) -> list[str]:
    """Prompts as given (commas belong to them), or from one JSON file: a list of strings or ``{"prompts": […]}``.

    Raises:
        TunesmithError: when the file holds something else.
    """
    values = [given] if isinstance(given, str) else [str(v) for v in given or []]
    if not any(value.endswith(".json") for value in values):
        if not all(value.strip() for value in values):
            raise TunesmithError(
                msg("a prompt is empty"), where="--test_prompts", remedy=msg("Say what it should sound like.")
            )
        return values
    if len(values) > 1:
        raise TunesmithError(
            msg("a file of prompts stands alone"),
            where="--test_prompts",
            remedy=msg("Give one file, or the prompts themselves."),
        )
    content = read_json(Path(values[0]))
    prompts = content.get("prompts") if isinstance(content, dict) else content
    if not isinstance(prompts, list) or not prompts or not all(isinstance(p, str) and p.strip() for p in prompts):
        raise TunesmithError(
            msg("this file must hold a list of strings, or {example}", example='{"prompts": [...]}'),
            where=values[0],
            remedy=msg("Correct it."),
        )
    return prompts


def _compare(args: argparse.Namespace, prompts: list[str]) -> int:
    from tunesmith.doorways.musicgen.setup import context_for
    from tunesmith.stages.evaluate import compare

    sections = {
        "evaluate": {"prompts": prompts, "seconds": args.duration, "seed": args.seed, "compare": bool(args.compare)},
        "options": {"guidance": args.guidance_scale},
    }
    context = context_for(args, sections)
    target = Path(args.output_dir)
    compare(context, Path(args.lora_model_path), target)
    context.console.log(msg("results: {path}", path=str(target / "comparison_results.json")))
    context.console.log(msg("report: tunesmith report {run}", run=str(context.folder.path)))
    return 0


def main() -> int:
    """Entry of the script."""
    return run_doorway(evaluate)
