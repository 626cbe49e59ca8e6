"""The family's own options: the recipe's ``options:`` section."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tunesmith.families.base_weights import BaseWeights
from tunesmith.families.contract import FamilySettings
from tunesmith.records.settings import OUTPUTS, RESUMABLE, WEIGHTS
from tunesmith.texts import Message, msg


class AceStepSettings(FamilySettings):
    """These are ACE-Step's own options."""

    shift: Annotated[float, Field(ge=0.1, le=20), WEIGHTS] = 3.0
    """Noise levels are shifted towards more noise, in training and (once more) when sampling; 3 is upstream's
    default."""
    text_dropout: Annotated[float, Field(ge=0, lt=1), RESUMABLE] = 0.15
    """This share of the items is trained without tags, so that guidance keeps a sound unconditional side; the default
    is upstream's rate."""
    lyric_dropout: Annotated[float, Field(ge=0, lt=1), RESUMABLE] = 0.15
    """This share of the items is trained without lyrics; the default is upstream's rate."""
    speaker_dropout: Annotated[float, Field(ge=0, le=1), RESUMABLE] = 0.5
    """This share of the items is trained without speaker vector; the default is upstream's rate. Without speaker files
    it changes nothing."""
    tag_orders: Annotated[int, Field(ge=1, le=64), RESUMABLE] = 8
    """So many orders of a clip's tags are encoded; training draws one per epoch (upstream shuffles at every step)."""
    lyric_window: Annotated[bool, RESUMABLE] = False
    """A crop gets only the lyrics of the sections that fall into it, by their share of the song's lines."""
    language: Annotated[str, RESUMABLE] = "auto"
    """All lyrics are in this language (``zh``, ``en``, …); ``auto`` decides by script, then by the whole text."""
    lyric_vocabulary: Annotated[str, RESUMABLE] = ""
    """The lyric vocabulary (``vocab.json``) has this path; without one it is looked for beside the weights, then
    downloaded and checked."""
    lyric_encoder_dropout: Annotated[float, Field(ge=0, lt=1), RESUMABLE] = 0.0
    """The lyric encoder has this dropout while training; upstream's 0.1 makes training differ from use at step 0."""
    ssl: Annotated[Literal["off", "on"], WEIGHTS] = "off"
    """This adds upstream's MERT and mHuBERT projection losses, from cached features (their weights have own
    licences)."""
    ssl_weight: Annotated[float, Field(ge=0, le=10), WEIGHTS] = 1.0
    """The mean of the two projection losses has this weight; upstream's is 1.0."""
    ssl_models: Annotated[tuple[str, str], WEIGHTS] = ("m-a-p/MERT-v1-330M", "utter-project/mHuBERT-147")
    """These are the hub ids or folders of the two models, in the order of the checkpoint's ``ssl_names``."""
    base_weights: Annotated[BaseWeights, WEIGHTS] = "full"
    """The blocks' frozen matrices are kept in int8 (torchao) or NF4 (bitsandbytes): half or a quarter of bf16's
    memory."""

    steps: Annotated[int, Field(ge=1, le=1000), OUTPUTS] = 60
    """It samples in so many steps; 60 is upstream's default, and 27 its fast setting."""
    only_steps: Annotated[tuple[Annotated[int, Field(ge=1, le=1000)], ...], OUTPUTS] = ()
    """Only these of the steps are taken (upstream's ``oss_steps``); the last one says how many there would be."""
    scheduler: Annotated[Literal["euler", "heun", "pingpong"], OUTPUTS] = "euler"
    """This is how the noise is removed."""
    guidance_type: Annotated[Literal["apg", "cfg", "cfg_star"], OUTPUTS] = "apg"
    """This is how the guided direction is made."""
    guidance: Annotated[float, Field(ge=0, le=200), OUTPUTS] = 15.0
    """Guidance has this strength; 1 turns it off."""
    guidance_interval: Annotated[float, Field(ge=0, le=1), OUTPUTS] = 0.5
    """This middle share of the steps is guided."""
    guidance_decay: Annotated[float, Field(ge=0, le=1), OUTPUTS] = 0.0
    """Guidance falls so far towards ``min_guidance`` over its interval."""
    min_guidance: Annotated[float, Field(ge=0, le=200), OUTPUTS] = 3.0
    """Guidance falls to this under ``guidance_decay``."""
    guidance_text: Annotated[float, Field(ge=0, le=200), OUTPUTS] = 0.0
    """Guidance by tags alone has this strength; with ``guidance_lyric`` (both above 1) it replaces ``guidance``."""
    guidance_lyric: Annotated[float, Field(ge=0, le=200), OUTPUTS] = 0.0
    """Guidance by lyrics over tags has this strength."""
    omega: Annotated[float, Field(ge=-100, le=100), OUTPUTS] = 10.0
    """Upstream's Euler and Heun steps are scaled by this granularity; 0 leaves the step as it is."""
    erg_tag: Annotated[bool, OUTPUTS] = False
    """It guides away from weakly attended tags instead of no tags. Upstream's page has it on, where it does nothing
    without ``erg_lyric``."""
    erg_lyric: Annotated[bool, OUTPUTS] = False
    """It guides away from weakly attended lyrics instead of no lyrics (upstream's page has it off)."""
    erg_diffusion: Annotated[bool, OUTPUTS] = True
    """It guides away from weakly attending middle blocks."""
    compat: Annotated[Literal["tunesmith", "upstream"], OUTPUTS] = "tunesmith"
    """``upstream`` copies its sampler bug for bug; ``tunesmith`` leaves them out (the family's README lists them)."""
    task: Annotated[Literal["text2music", "retake", "repaint", "extend", "audio2audio", "edit"], OUTPUTS] = "text2music"
    """This is made of a source audio, or ``text2music`` without one."""
    speaker: Annotated[str, OUTPUTS] = ""
    """It generates with the speaker vector (``.npy``) of this path; held-out clips bring those that the dataset
    names."""
    variance: Annotated[float, Field(ge=0, le=1), OUTPUTS] = 0.5
    """Retake and repaint may leave the first result so far: 0 is not at all, 1 is wholly."""
    retake_seed: Annotated[int | None, OUTPUTS] = None
    """The second noise of retake, repaint and extend has this seed; it follows from the first when left out."""
    strength: Annotated[float, Field(ge=0, le=1), OUTPUTS] = 0.5
    """Audio2audio keeps so much of the source: 1 is all, 0 is nothing."""
    edit_start: Annotated[float, Field(ge=0, le=1), OUTPUTS] = 0.0
    """``edit`` begins after this share of the steps."""
    edit_end: Annotated[float, Field(ge=0, le=1), OUTPUTS] = 1.0
    """``edit`` goes over to plain sampling after this share of the steps."""
    edit_averages: Annotated[int, Field(ge=1, le=64), OUTPUTS] = 1
    """``edit`` averages so many noises per step."""
    overlapped_decode: Annotated[bool, OUTPUTS] = True
    """More than 48 s are decoded in overlapping windows, which bounds the memory."""

    def unused(self, seconds: float) -> dict[str, Message]:
        """What belongs to guidance, a task or a loss that is not chosen."""
        found: dict[str, Message] = {}
        if self.ssl == "off":
            found |= dict.fromkeys(("ssl_weight", "ssl_models"), msg("options.ssl is off"))
        if self.guidance_decay == 0:
            found["min_guidance"] = msg("guidance does not fall (options.guidance_decay is 0)")
        if self.scheduler == "pingpong":
            found["omega"] = msg("the pingpong scheduler has no such scale")
        if not self.erg_lyric:
            found["erg_tag"] = msg("it does nothing without options.erg_lyric")
        if (self.guidance_text > 1) != (self.guidance_lyric > 1):
            both = msg("options.guidance_text and options.guidance_lyric count only where both are above 1")
            found |= dict.fromkeys(("guidance_text", "guidance_lyric"), both)
        if seconds <= DECODED_WHOLE:
            found["overlapped_decode"] = msg("48 s and less are decoded in one window")
        for task, names in OF_TASKS:
            if self.task not in task:
                why = msg("it belongs to options.task {tasks}", tasks=task)
                found |= dict.fromkeys(names, why)
        return found


DECODED_WHOLE = 48.0
OF_TASKS = (
    (("retake", "repaint"), ("variance",)),
    (("retake", "repaint", "extend"), ("retake_seed",)),
    (("audio2audio",), ("strength",)),
    (("edit",), ("edit_start", "edit_end", "edit_averages")),
)
"""Options that belong to tasks."""
