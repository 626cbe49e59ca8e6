"""Tunesmith's training update for ACE-Step over random weights and random clips: from the cache, and encoding anew.

Shapes: T latent frames, L text tokens, N lyric tokens.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
from torch import nn

from ace_step_models import TAGS, checkpoint_config
from protocol import own_precision
from tunesmith.data.cache import EncodedStore
from tunesmith.data.content import content_key
from tunesmith.data.sample import AudioRef, Sample
from tunesmith.families.ace_step.adapters import AceStepAdapters
from tunesmith.families.ace_step.checkpoint import AceStepCheckpoint
from tunesmith.families.ace_step.config import NETWORK, SAMPLE_RATE, AceStepConfig, TransformerConfig
from tunesmith.families.ace_step.encoding import SSL_RATES, AceStepEncoding
from tunesmith.families.ace_step.family import ACE_STEP
from tunesmith.families.ace_step.generation import AceStepGeneration
from tunesmith.families.ace_step.networks import AceStepNetworks
from tunesmith.families.ace_step.settings import AceStepSettings
from tunesmith.families.ace_step.training import AceStepObjective
from tunesmith.families.contract import Card, Family
from tunesmith.recipe.models import Recipe
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder
from tunesmith.training.clips import Clips
from tunesmith.training.loop import train_update
from tunesmith.training.setup import build_train_state
from tunesmith.training.state import RunClips, TrainState

TEXT_TOKENS, TEXT_WIDTH = 24, 768
UPSTREAM_ADAPTER: dict[str, Any] = {
    "rank": 256,
    "alpha": 32,
    "rslora": True,
    "targets": ["speaker_embedder", "linear_q", "linear_k", "linear_v", "to_q", "to_k", "to_v", "to_out.0"],
}
"""The adapter of upstream's own config; its optimizer's settings are the family's starting recipe."""


class SyntheticEncoding(AceStepEncoding):
    """A cache filled with random fields, so that no clip has to be encoded."""

    def field_key(self, sample: Sample, name: str) -> str:
        """The clip's name decides."""
        return content_key(sample.id, name)


def synthetic_family(path: str, settings: AceStepSettings | None = None) -> Family:
    """ACE-Step over a checkpoint, its fields random."""
    family = ACE_STEP.open(path, settings)
    return dataclasses.replace(family, encoding=SyntheticEncoding(cast(AceStepCheckpoint, family.checkpoint)))


class UnwrittenCheckpoint(AceStepCheckpoint):
    """Sizes without a checkpoint."""

    def __init__(self, transformer: TransformerConfig, settings: AceStepSettings) -> None:
        super().__init__("unwritten", settings)
        self.transformer = transformer

    @cached_property
    def config(self) -> AceStepConfig:
        """The sizes given."""
        return checkpoint_config(self.transformer)


class UnwrittenNetworks(AceStepNetworks):
    """Weights drawn on the device that will train."""

    def __init__(self, checkpoint: UnwrittenCheckpoint, device: str) -> None:
        super().__init__(checkpoint)
        self.transformer, self.device = checkpoint.transformer, device

    def load(self, names: Sequence[str] | None = None, *, meta: bool = False) -> dict[str, nn.Module]:
        """A transformer of random weights."""
        from tunesmith.families.ace_step.parts.transformer import AceStepTransformer

        with torch.device("meta" if meta else self.device):
            network = AceStepTransformer(self.transformer, projectors=bool(self.checkpoint.ssl_names))
        return {NETWORK: network.requires_grad_(False).eval()}


def unwritten_family(transformer: TransformerConfig, device: str, ssl: Literal["off", "on"] = "off") -> Family:
    """ACE-Step without a checkpoint: the weights are drawn on the device that will train.

    Args:
        transformer: Sizes.
        device: Where the weights are drawn.
        ssl: ``on`` for the projection losses.
    """
    checkpoint = UnwrittenCheckpoint(transformer, AceStepSettings(ssl=ssl))
    networks, encoding = UnwrittenNetworks(checkpoint, device), SyntheticEncoding(checkpoint)
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


@dataclass(frozen=True)
class Work:
    """What an update trains on: so many clips of so many seconds and lyric tokens."""

    clips: int = 1
    seconds: float = 20.0
    lyric_tokens: int = 400
    tag_orders: int = 8

    @property
    def frames(self) -> int:
        """Latent frames of a clip."""
        return math.ceil(self.seconds * 44_100 / 4096)


def make_audio(seconds: float, seed: int = 0) -> np.ndarray:
    """Stereo noise (2, N) at 48 kHz: what a network costs does not depend on what it hears."""
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (2, round(seconds * SAMPLE_RATE))).astype(np.float32)


def random_item(family: Family, work: Work, seed: int) -> dict[str, np.ndarray]:
    """The fields of one clip."""
    rng, sizes = np.random.default_rng(seed), family.checkpoint.config.transformer
    orders = work.tag_orders
    item = {
        "latents": rng.standard_normal((sizes.in_channels, sizes.max_height, work.frames)).astype(np.float32),
        "text": rng.standard_normal((orders * TEXT_TOKENS, TEXT_WIDTH)).astype(np.float32),
        "text_parts": np.array([[TEXT_TOKENS, 0]] * orders, np.int32),
        "lyrics": rng.integers(3, sizes.lyric_encoder_vocab_size, work.lyric_tokens).astype(np.int32),
        "lyric_sections": np.zeros((1, 2), np.int32),
        "speaker": np.zeros(sizes.speaker_embedding_dim, np.float32),
    }
    for name, width in zip(sizes.ssl_names, sizes.ssl_latent_dims, strict=True):
        if name in family.checkpoint.ssl_names:
            item[name] = rng.standard_normal((round(work.seconds * SSL_RATES[name]), width)).astype(np.float32)
    return item


def our_bench(family: Family, work: Work, folder: Path, *, adapter: dict[str, Any], **settings: Any) -> TrainState:
    """The workbench that ``tunesmith train`` builds, over an encoded store holding ``work``.

    Args:
        family: One of the two above.
        work: The clips of an update, which is one micro-batch.
        folder: Of the run.
        adapter: The recipe's adapter section.
        settings: More of its training section, ``device`` and ``precision``.
    """
    device = settings.pop("device", "cpu")
    start = dict(family.type.recipe_defaults["train"]) | {
        "batch_size": work.clips,
        "accumulation": 1,
        "updates": 10_000,
    }
    model = {"path": family.path, "device": device, "precision": settings.pop("precision", own_precision())}
    recipe = Recipe.model_validate({"model": model, "train": {**start, **settings}, "adapter": adapter})
    store = EncodedStore(folder / "cache", family.encoding.fields())
    samples = [Sample(f"{i}", {"audio": AudioRef("-")}, {"caption": TAGS}) for i in range(work.clips)]
    for number, sample in enumerate(samples):
        keys = {spec.name: family.encoding.field_key(sample, spec.name) for spec in family.encoding.fields()}
        store.put(keys, random_item(family, work, number))
    store.flush()
    run_folder = RunFolder(folder)
    context = RunContext(run_folder, recipe, Console(quiet=True, log_file=run_folder.log))
    vars(context)["family"] = family
    return build_train_state(context, RunClips(Clips(family, store, samples, max_frames=work.frames, min_frames=1)))


def set_checkpointing(state: TrainState, on: bool) -> None:
    """Switch it for the next update."""
    from tunesmith.adapters.attach import unwrap_peft

    network = unwrap_peft(state.networks[NETWORK])
    network.checkpointing = network.lyric_encoder.checkpointing = on


class Online:
    """An update that encodes its clip first, as a tool without a cache would: the same encoders, the same loop.

    Args:
        bench: Of one clip per update.
        folder: The checkpoint.
        ssl: Folders of MERT and mHuBERT; empty to leave their features out.
        seconds: Length of the clip.
    """

    def __init__(self, state: TrainState, folder: Path, ssl: tuple[str, str] | None, seconds: float) -> None:
        from tunesmith.families.ace_step.parts.codec import MusicCodec
        from tunesmith.families.ace_step.parts.ssl import SslModels
        from tunesmith.families.ace_step.parts.text_encoder import TextEncoder

        self.family: Any = state.family
        self.state, self.audio = state, make_audio(seconds)
        self.codec = MusicCodec(folder, self.family.checkpoint.config, "cpu")
        self.text = TextEncoder(folder, self.family.checkpoint.config, "cpu")
        self.ssl = SslModels(ssl, "cpu") if ssl else None

    def encode(self) -> dict[str, np.ndarray]:
        """What does not depend on the tags' order, and the states of one order."""
        (states,) = self.text.states([TAGS])
        text = {"text": states, "text_parts": np.array([[len(states), 0]], np.int32)}
        encoded = {"latents": self.codec.encode(self.audio).numpy(), **text}
        if self.ssl:
            encoded |= dict(zip(self.family.checkpoint.ssl_names, self.ssl.features(self.audio), strict=True))
        return encoded

    def update(self) -> float:
        """Encode, then train on what came out."""
        encoded, clips = self.encode(), vars(self.state.train)
        read = self.state.train.read
        clips["read"] = lambda index, crop: read(index, crop) | encoded
        try:
            return train_update(self.state).measured.loss
        finally:
            del clips["read"]
