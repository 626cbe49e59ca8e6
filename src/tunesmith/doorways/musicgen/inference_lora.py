"""``inference_lora.py``: audio from prompts with an adapter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tunesmith.doorways.common import Parser, run_doorway
from tunesmith.doorways.musicgen.options import COMMANDS, GENERATE_DEFAULTS, TYPES, of_inference
from tunesmith.errors import TunesmithError
from tunesmith.texts import msg


def inference_lora(argv: Sequence[str] | None = None) -> int:
    """Generate one file per prompt."""
    defaults = {**GENERATE_DEFAULTS, "output_dir": "./finetune/output/generated"}
    parser = Parser("inference_lora", msg("Generate audio with a LoRA adapter."), defaults, TYPES, of_inference)
    parser.value("base_model_path", msg("base model: hub id, folder, or `pocket`"))
    parser.value("lora_model_path", msg("adapter folder (best_model, final_model or a checkpoint)"))
    parser.values("prompts", msg("one or more prompts, each in quotes"))
    parser.value("output_dir", msg("where the files go"))
    parser.value("duration", msg("length in seconds; beyond 30 s the music is continued window by window"))
    parser.value("guidance_scale", msg("classifier-free guidance; 1 turns it off"))
    parser.value("seed", msg("prompt i uses seed + i"))
    args = parser.read(argv)
    parser.check_config_keys(args, COMMANDS)
    prompts = [args.prompts] if isinstance(args.prompts, str) else args.prompts
    if not prompts or not all(str(p).strip() for p in prompts):
        raise TunesmithError(
            msg("a prompt is empty") if prompts else msg("no prompts are given"),
            where="--prompts",
            remedy=msg('Write them as in --prompts "a prompt" "another".'),
        )
    return _generate(args, [str(p) for p in prompts])


def _generate(args: object, prompts: list[str]) -> int:
    from tunesmith.doorways.musicgen.setup import context_for
    from tunesmith.stages.generate import generate_with

    values = vars(args)
    sections = {
        "generate": {"prompts": prompts, "seconds": values["duration"], "seed": values["seed"]},
        "options": {"guidance": values["guidance_scale"]},
    }
    context = context_for(args, sections)  # type: ignore[arg-type]
    generate_with(context, Path(values["lora_model_path"]), Path(values["output_dir"]))
    return 0


def main() -> int:
    """Entry of the script."""
    return run_doorway(inference_lora)
