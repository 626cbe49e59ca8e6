"""ACE-Step v1 as a family: a diffusion transformer over music latents, told tags and lyrics."""

from __future__ import annotations

from typing import Any

from tunesmith.families.ace_step.adapters import AceStepAdapters
from tunesmith.families.ace_step.card import AceStepCard
from tunesmith.families.ace_step.checkpoint import AceStepCheckpoint
from tunesmith.families.ace_step.checks import AceStepChecks
from tunesmith.families.ace_step.config import MAX_SECONDS
from tunesmith.families.ace_step.encoding import AceStepEncoding
from tunesmith.families.ace_step.generation import AceStepGeneration
from tunesmith.families.ace_step.networks import AceStepNetworks
from tunesmith.families.ace_step.settings import AceStepSettings
from tunesmith.families.ace_step.source import is_ace_step
from tunesmith.families.ace_step.training import AceStepObjective
from tunesmith.families.contract import Family, FamilyType

LOAD_CODE = """\
from acestep.pipeline_ace_step import ACEStepPipeline

pipeline = ACEStepPipeline()  # downloads {base}; or checkpoint_dir="…"
pipeline(
    prompt="city pop, female vocal, 110 bpm", lyrics="[verse]\\n…", audio_duration=30,
    lora_name_or_path={adapter}, lora_weight=1.0, save_path="song.wav",
)
"""
RECIPE_DEFAULTS: dict[str, dict[str, Any]] = {
    "data": {"max_seconds": MAX_SECONDS, "min_crop_seconds": 30.0},
    "adapter": {"rank": 64, "alpha": 64.0},
    "train": {"batch_size": 1, "accumulation": 4, "betas": [0.8, 0.9], "max_grad_norm": 0.5},
    "previews": {"seconds": 20.0},
    "generate": {"seconds": 30.0},
    "evaluate": {"seconds": 30.0},
}
"""Whole songs, and upstream's optimizer."""


def build(kind: FamilyType, path: str, settings: AceStepSettings, revision: str | None) -> Family:
    """ACE-Step v1 over one checkpoint."""
    checkpoint = AceStepCheckpoint(path, settings, revision)
    networks, encoding = AceStepNetworks(checkpoint), AceStepEncoding(checkpoint)
    return Family(
        type=kind,
        checkpoint=checkpoint,
        card=AceStepCard(checkpoint),
        networks=networks,
        encoding=encoding,
        objective=AceStepObjective(checkpoint),
        generation=AceStepGeneration(checkpoint, networks, encoding),
        adapters=AceStepAdapters(checkpoint),
        checks=AceStepChecks(checkpoint),
    )


ACE_STEP = FamilyType(
    name="ace_step",
    recognises=is_ace_step,
    build=build,
    settings=AceStepSettings,
    text_roles=("caption", "lyrics"),
    recipe_defaults=RECIPE_DEFAULTS,
    load_code=LOAD_CODE,
)
