"""MusicGen as a family: a codec language model with text cross-attention."""

from __future__ import annotations

from tunesmith.families.contract import Family, FamilyType
from tunesmith.families.musicgen.adapters import MusicGenAdapters
from tunesmith.families.musicgen.card import MusicGenCard
from tunesmith.families.musicgen.checkpoint import MusicGenCheckpoint
from tunesmith.families.musicgen.checks import MusicGenChecks
from tunesmith.families.musicgen.encoding import MusicGenEncoding
from tunesmith.families.musicgen.generation import MusicGenGeneration
from tunesmith.families.musicgen.networks import MusicGenNetworks
from tunesmith.families.musicgen.settings import MusicGenSettings
from tunesmith.families.musicgen.source import is_musicgen
from tunesmith.families.musicgen.training import MusicGenObjective

LOAD_CODE = """\
from peft import PeftModel
from transformers import AutoProcessor, MusicgenForConditionalGeneration

base = MusicgenForConditionalGeneration.from_pretrained({base})
model = PeftModel.from_pretrained(base, {adapter}).eval()
processor = AutoProcessor.from_pretrained({base})
inputs = processor(text=["dark trap beat, booming 808"], padding=True, return_tensors="pt")
audio = model.generate(**inputs, do_sample=True, guidance_scale=3.0, max_new_tokens=256)
"""


def build(kind: FamilyType, path: str, settings: MusicGenSettings, revision: str | None) -> Family:
    """MusicGen over one checkpoint."""
    checkpoint = MusicGenCheckpoint(path, settings, revision)
    networks, encoding = MusicGenNetworks(checkpoint), MusicGenEncoding(checkpoint)
    return Family(
        type=kind,
        checkpoint=checkpoint,
        card=MusicGenCard(checkpoint),
        networks=networks,
        encoding=encoding,
        objective=MusicGenObjective(checkpoint),
        generation=MusicGenGeneration(checkpoint, networks, encoding),
        adapters=MusicGenAdapters(checkpoint),
        checks=MusicGenChecks(checkpoint),
    )


MUSICGEN = FamilyType(
    name="musicgen", recognises=is_musicgen, build=build, settings=MusicGenSettings, load_code=LOAD_CODE
)
