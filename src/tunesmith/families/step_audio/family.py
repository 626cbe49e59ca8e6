"""Step-Audio-EditX as a family: an LLM over audio codes that clones and edits speech, and a flow for the sound."""

from __future__ import annotations

from tunesmith.data.sample import PROMPT
from tunesmith.families.contract import Family, FamilyType
from tunesmith.families.step_audio.adapters import StepAudioAdapters
from tunesmith.families.step_audio.card import StepAudioCard
from tunesmith.families.step_audio.checkpoint import StepAudioCheckpoint
from tunesmith.families.step_audio.checks import StepAudioChecks
from tunesmith.families.step_audio.config import TARGET, TEXT_ROLES
from tunesmith.families.step_audio.defaults import LOAD_CODE, RECIPE_DEFAULTS
from tunesmith.families.step_audio.encoding import StepAudioEncoding
from tunesmith.families.step_audio.generation import StepAudioGeneration
from tunesmith.families.step_audio.networks import StepAudioNetworks
from tunesmith.families.step_audio.settings import StepAudioSettings
from tunesmith.families.step_audio.source import is_step_audio
from tunesmith.families.step_audio.training import StepAudioObjective


def build(kind: FamilyType, path: str, settings: StepAudioSettings, revision: str | None) -> Family:
    """Step-Audio-EditX over one checkpoint."""
    checkpoint = StepAudioCheckpoint(path, settings, revision)
    networks, encoding = StepAudioNetworks(checkpoint), StepAudioEncoding(checkpoint)
    return Family(
        type=kind,
        checkpoint=checkpoint,
        card=StepAudioCard(checkpoint, networks),
        networks=networks,
        encoding=encoding,
        objective=StepAudioObjective(checkpoint),
        generation=StepAudioGeneration(checkpoint, networks, encoding),
        adapters=StepAudioAdapters(checkpoint),
        checks=StepAudioChecks(checkpoint),
    )


STEP_AUDIO = FamilyType(
    name="step_audio",
    recognises=is_step_audio,
    build=build,
    settings=StepAudioSettings,
    audio_roles=(PROMPT, TARGET),
    text_roles=TEXT_ROLES,
    recipe_defaults=RECIPE_DEFAULTS,
    load_code=LOAD_CODE,
)
