"""Every family at three sizes, with random clips: the pocket model, few layers as wide as published, and the whole.

``pocket`` has its trained weights. ``wide`` and ``full`` are drawn (:mod:`gpu_parts.drawn`); in a dry run both are
small, so that the same lines run on a CPU in seconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from ace_step_arms import Work, random_item
from ace_step_models import tiny_config, transformer_config
from gpu_parts.drawn import DrawnAceStep, DrawnMusicGen, DrawnStepAudio, UnwrittenAceStep, UnwrittenStepAudio
from models import MEDIUM, Sizes
from models import config as musicgen_config
from tunesmith.data.content import content_key
from tunesmith.data.fields import FieldSpec
from tunesmith.data.layouts import read_layout
from tunesmith.data.sample import PROMPT, PROMPT_TEXT, AudioRef, Sample
from tunesmith.families.ace_step.adapters import AceStepAdapters
from tunesmith.families.ace_step.encoding import AceStepEncoding
from tunesmith.families.ace_step.family import ACE_STEP
from tunesmith.families.ace_step.generation import AceStepGeneration
from tunesmith.families.ace_step.settings import AceStepSettings
from tunesmith.families.ace_step.training import AceStepObjective
from tunesmith.families.contract import Card, Encoder, Encoding, Family, FamilyType
from tunesmith.families.musicgen.family import MUSICGEN
from tunesmith.families.step_audio.adapters import StepAudioAdapters
from tunesmith.families.step_audio.config import (
    FLOW,
    GROUP,
    GROUP_SECONDS,
    LLM,
    TARGET,
    EstimatorConfig,
    FlowConfig,
    FlowEncoderConfig,
    Step1Config,
    TokenIds,
)
from tunesmith.families.step_audio.encoding import StepAudioEncoding
from tunesmith.families.step_audio.family import STEP_AUDIO
from tunesmith.families.step_audio.generation import StepAudioGeneration
from tunesmith.families.step_audio.settings import StepAudioSettings
from tunesmith.families.step_audio.sizes import TEXT_IDS_PER_SECOND
from tunesmith.families.step_audio.training import StepAudioObjective
from tunesmith.files import read_json
from tunesmith.pocket.shipped import example_clips, pocket_path

Size = Literal["pocket", "wide", "full"]
CAPTION_TOKENS, LYRIC_TOKENS = 24, 400
MEL_PER_GROUP = 6
HUB = {
    "musicgen": "facebook/musicgen-medium",
    "ace_step": "ACE-Step/ACE-Step-v1-3.5B",
    "step_audio": "stepfun-ai/Step-Audio-EditX",
}
"""Whose published card a full size has."""


class KeyedByName(Encoding):
    """A family's fields, so that random ones can be kept: a clip's name decides their content."""

    def __init__(self, inner: Encoding) -> None:
        self.inner = inner

    def fields(self) -> tuple[FieldSpec, ...]:
        """The family's own."""
        return self.inner.fields()

    def field_key(self, sample: Sample, name: str) -> str:
        """Of the name."""
        return content_key(sample.id, name)

    def encoder(self, device: str = "cpu") -> AbstractContextManager[Encoder]:
        """The family's own."""
        return self.inner.encoder(device)


@dataclass(frozen=True)
class Place:
    """Where a measurement takes place.

    Attributes:
        device: ``cuda`` or ``cpu``.
        dry: Small models and short clips at every size.
        folder: For what it writes.
    """

    device: str
    dry: bool
    folder: Path


@dataclass(frozen=True)
class Case:
    """A network that trains.

    Attributes:
        name: As tables say it.
        kind: Its family.
        options: Of the family, so that this network trains.
        compiles: Whether the family compiles its repeated block.
        packs: Whether its base can be held in int8 and NF4.
    """

    name: str
    kind: FamilyType
    options: Mapping[str, Any]
    compiles: bool
    packs: bool

    def open(
        self, size: Size, place: Place, *, device: str = "cpu", dtype: Any = torch.float32, **options: Any
    ) -> Family:
        """The family; where its weights are drawn, on ``device`` and in ``dtype``."""
        settings: Any = self.kind.settings.model_validate({**self.options, **options})
        if size == "pocket" or (size == "full" and place.dry):
            family = self.kind.open(f"pocket/{self.kind.name}", settings)
        else:
            make = {MUSICGEN.name: _musicgen, ACE_STEP.name: _ace_step, STEP_AUDIO.name: _step_audio}[self.kind.name]
            family = make(size == "full", place, settings)
            networks: Any = family.networks
            networks.device, networks.dtype = device, dtype
        return replace(family, encoding=KeyedByName(family.encoding))

    def item(self, family: Family, seconds: float, seed: int) -> dict[str, np.ndarray]:
        """The fields of a random clip; of speech ``seconds`` is prompt and target by turns: each lasts as long."""
        makers: dict[str, Callable[[Family, float, int], dict[str, np.ndarray]]] = {
            MUSICGEN.name: _music_item,
            ACE_STEP.name: _song_item,
            STEP_AUDIO.name: _speech_item,
        }
        return makers[self.kind.name](family, seconds, seed)

    def shipped_items(self, family: Family, count: int) -> list[dict[str, np.ndarray]]:
        """The fields of clips that ship with the pocket model, which knows what they sound like."""
        samples = pairs() if self.kind is STEP_AUDIO else read_layout(example_clips(self.kind.name)).samples
        names = [spec.name for spec in family.encoding.fields()]
        with family.encoding.encoder() as encoder:
            return [encoder.encode(sample, names) for sample in samples[:count]]


CASES = (
    Case("MusicGen", MUSICGEN, {}, compiles=True, packs=False),
    Case("ACE-Step", ACE_STEP, {}, compiles=True, packs=True),
    Case("EditX LLM", STEP_AUDIO, {"train": LLM}, compiles=False, packs=True),
    Case("EditX flow", STEP_AUDIO, {"train": FLOW}, compiles=False, packs=False),
)
MUSIC, SONG, SPEECH, VOICE = CASES


# --- sizes ----------------------------------------------------------------------------------------------------------


def _musicgen(full: bool, place: Place, settings: Any) -> Family:
    tiny = Sizes(2, 64, heads=4, vocab=64, text_layers=1, text_width=64, text_vocab=64)
    sizes = tiny if place.dry else replace(MEDIUM, layers=MEDIUM.layers if full else 2)
    folder = place.folder / f"musicgen-{sizes.layers}-{sizes.width}"
    musicgen_config(sizes).save_pretrained(folder)
    family = MUSICGEN.open(str(folder), settings)
    checkpoint: Any = family.checkpoint
    return replace(family, networks=DrawnMusicGen(checkpoint))


def _ace_step(full: bool, place: Place, settings: AceStepSettings) -> Family:
    checkpoint = UnwrittenAceStep(tiny_config() if place.dry else transformer_config(24 if full else 2), settings)
    networks, encoding = DrawnAceStep(checkpoint), AceStepEncoding(checkpoint)
    return Family(
        type=ACE_STEP,
        checkpoint=checkpoint,
        card=Card(checkpoint),
        networks=networks,
        encoding=encoding,
        objective=AceStepObjective(checkpoint),
        generation=AceStepGeneration(checkpoint, networks, encoding),
        adapters=AceStepAdapters(checkpoint),
    )


def _step_audio(full: bool, place: Place, settings: StepAudioSettings) -> Family:
    llm, flow, ids = Step1Config(), FlowConfig(), TokenIds()
    if not full:  # an eighth of the vocabulary: the others are text, and cost seconds to draw
        llm, ids = replace(llm, num_hidden_layers=2, vocab_size=8192), TokenIds(audio_base=2048)
        encoder, estimator = FlowEncoderConfig(num_blocks=1, num_up_blocks=1), EstimatorConfig(depth=2)
        flow = replace(flow, encoder=encoder, estimator=estimator)
    if place.dry:
        llm = replace(llm, hidden_size=64, intermediate_size=128, num_attention_heads=4, num_attention_groups=2)
        encoder = replace(flow.encoder, input_size=64, output_size=64, attention_heads=2, linear_units=64)
        estimator = replace(flow.estimator, num_heads=2, head_dim=32, hidden_size=64)
        flow = replace(flow, input_size=64, encoder=encoder, estimator=estimator)
    checkpoint = UnwrittenStepAudio((llm, flow), ids, settings)
    networks, encoding = DrawnStepAudio(checkpoint), StepAudioEncoding(checkpoint)
    return Family(
        type=STEP_AUDIO,
        checkpoint=checkpoint,
        card=Card(checkpoint),
        networks=networks,
        encoding=encoding,
        objective=StepAudioObjective(checkpoint),
        generation=StepAudioGeneration(checkpoint, networks, encoding),
        adapters=StepAudioAdapters(checkpoint),
    )


# --- clips ----------------------------------------------------------------------------------------------------------


def _music_item(family: Family, seconds: float, seed: int) -> dict[str, np.ndarray]:
    rng, config = np.random.default_rng(seed), family.checkpoint.config
    codes = rng.integers(0, config.vocab_size, (config.num_codebooks, round(seconds * config.frame_rate)))
    text = rng.standard_normal((CAPTION_TOKENS, config.text_size)).astype(np.float32)
    return {"codes": codes.astype(np.uint16), "text": text}


def _song_item(family: Family, seconds: float, seed: int) -> dict[str, np.ndarray]:
    work = Work(1, seconds, min(LYRIC_TOKENS, math.ceil(20 * seconds)), tag_orders=1)
    item = random_item(family, work, seed)
    width = family.checkpoint.config.transformer.text_embedding_dim
    return {**item, "text": item["text"][:, :width]}


def speech_codes(ids: TokenIds, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """LLM ids of so much speech, in whole groups: two of vq02, three of vq06."""
    groups = max(1, round(seconds / GROUP_SECONDS))
    linguistic = ids.audio_base + rng.integers(0, ids.vq02, (groups, 2))
    semantic = ids.audio_base + ids.vq02 + rng.integers(0, ids.vq06, (groups, GROUP - 2))
    return np.concatenate([linguistic, semantic], axis=1).reshape(-1).astype(np.int32)


def _speech_item(family: Family, seconds: float, seed: int) -> dict[str, np.ndarray]:
    rng, checkpoint = np.random.default_rng(seed), family.checkpoint
    ids, flow = checkpoint.ids, checkpoint.configs[1]
    prompt, codes = speech_codes(ids, seconds, rng), speech_codes(ids, seconds, rng)
    frames = len(codes) // GROUP * MEL_PER_GROUP
    texts = rng.integers(ids.eot + 2, ids.audio_base, round(2 * TEXT_IDS_PER_SECOND * seconds)).astype(np.int32)

    def mel(length: int) -> np.ndarray:
        return rng.standard_normal((length, flow.output_size)).astype(np.float32)

    item = {
        "mel": mel(frames),
        "codes": codes,
        "ids": np.concatenate([texts, prompt]),
        "prompt_codes": prompt,
        "prompt_mel": mel(frames),
        "speaker": rng.standard_normal(flow.spk_embed_dim).astype(np.float32),
        "mu": mel(2 * frames),
    }
    return {spec.name: item[spec.name] for spec in family.encoding.fields()}


def pairs() -> list[Sample]:
    """The shipped voice's recordings, each with the one before it as its prompt."""
    voice = pocket_path(STEP_AUDIO.name) / "examples" / "voice"
    made = []
    for before, row in pairwise(read_json(voice / "metadata.json")):
        audios = {role: AudioRef(str(voice / line["audio"])) for role, line in ((PROMPT, before), (TARGET, row))}
        made.append(Sample(row["audio"], audios, {"caption": row["text"], PROMPT_TEXT: before["text"]}))
    return made


def seconds_of_ids(ids: int) -> float:
    """Seconds of a target, with a prompt as long and both texts, that make so many ids of the LLM."""
    return ids / (2 * (GROUP / GROUP_SECONDS + TEXT_IDS_PER_SECOND))
