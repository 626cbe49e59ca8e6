"""MusicGen as a family: a codec language model with text cross-attention."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from tunesmith.adapters.settings import AdapterDefaults
from tunesmith.data.content import audio_key, content_key, weights_digest
from tunesmith.data.fields import FieldSpec
from tunesmith.data.item_rng import ItemRng
from tunesmith.data.sample import Sample
from tunesmith.families.contract import Batch, Encoder, Family, FamilySettings, Generator, ModelCard
from tunesmith.families.loss_terms import LossTerm
from tunesmith.families.musicgen.config import LICENCE, MusicGenConfig, MusicGenSettings, read_config
from tunesmith.families.musicgen.source import is_musicgen, locate
from tunesmith.files import read_json

if TYPE_CHECKING:
    from torch import nn

NETWORK = "decoder"
TARGETS = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")
"""Every linear layer of the decoder's blocks. Heads and embeddings cost 60 % more memory and are not needed."""
BASE_PROMPTS = (
    "warm acoustic guitar and soft piano, calm evening",
    "upbeat pop rock with electric guitars and live drums",
    "orchestral film score, strings and horns, slow build",
    "deep house with a steady kick and airy pads, 122 bpm",
    "jazz trio, walking double bass, brushed drums, piano solo",
    "bluegrass banjo and fiddle, fast and bright",
    "ambient synthesizer drone, wide and peaceful",
    "funk groove with slap bass, clavinet and brass stabs",
)
"""Far apart from each other and from most fine-tuning sets, so that forgetting shows."""
LOAD_CODE = """\
from peft import PeftModel
from transformers import AutoProcessor, MusicgenForConditionalGeneration

base = MusicgenForConditionalGeneration.from_pretrained({base})
model = PeftModel.from_pretrained(base, {adapter}).eval()
processor = AutoProcessor.from_pretrained({base})
inputs = processor(text=["dark trap beat, booming 808"], padding=True, return_tensors="pt")
audio = model.generate(**inputs, do_sample=True, guidance_scale=3.0, max_new_tokens=256)
"""
ENCODING_VERSION = 1
"""Raised when the front end changes, so that older cache entries are not used."""


class MusicGenFamily(Family):
    """MusicGen small, medium and large, mono and stereo."""

    name = "musicgen"
    Settings = MusicGenSettings
    audio_roles = ("audio",)
    text_roles = ("caption",)

    def __init__(self, path: str, settings: FamilySettings | None = None, revision: str | None = None) -> None:
        super().__init__(path, settings, revision)
        self.options = cast(MusicGenSettings, self.settings)

    @cached_property
    def folder(self) -> Path:
        """The checkpoint's local folder."""
        return locate(self.path, self.revision)

    @cached_property
    def config(self) -> MusicGenConfig:
        """The checkpoint's sizes."""
        return read_config(self.folder)

    @cached_property
    def _weights_key(self) -> str:
        return content_key(ENCODING_VERSION, weights_digest(self.folder))

    @classmethod
    def recognises(cls, path: str) -> bool:
        """MusicGen's names on the Hub, a folder whose config says so, or ``pocket``."""
        return is_musicgen(path)

    def published(self) -> ModelCard | None:
        """Published sizes of Meta's checkpoints on the Hub."""
        from tunesmith.families.musicgen.published import published_card

        return published_card(self.path)

    @property
    def base_name(self) -> str:
        """The hub id or folder; for the pocket model the folder it ships in, which plain PEFT can load."""
        return str(self.folder) if self.path == "pocket" else self.path

    def card(self) -> ModelCard:
        """Sizes and licence from the config."""
        from tunesmith.families.musicgen.sizes import parameter_count
        from tunesmith.families.musicgen.weights import weight_files

        trained, total = parameter_count(self.config)
        return ModelCard(
            family=self.name,
            path=self.path,
            licence="Apache-2.0" if self.path == "pocket" else LICENCE,
            sample_rate=self.config.sample_rate,
            channels=self.config.channels,
            frame_rate=self.config.frame_rate,
            max_seconds=self.config.max_seconds,
            parameters=total,
            trained_parameters=trained,
            weights_bytes=sum(f.stat().st_size for f in weight_files(self.folder)),
        )

    @cached_property
    def _tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(self.folder, local_files_only=True)

    def unk_ratio(self, text: str) -> float:
        """Share of the text's letters that T5 reads as ``<unk>``: Chinese and emoji for the real model's English T5.

        Letters, not tokens: a whole sentence that T5 does not know is one ``<unk>`` beside one space token.
        """
        letters = len("".join(text.split()))
        encoded = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        unknown = self._tokenizer.unk_token_id
        pairs = zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)
        lost = sum(len("".join(text[first:last].split())) for token, (first, last) in pairs if token == unknown)
        return lost / letters if letters else 0.0

    # --- encoding ---------------------------------------------------------------------------------------------------

    def fields(self) -> tuple[FieldSpec, ...]:
        """Codec tokens (K, T) and T5 states (L, D)."""
        return (FieldSpec("codes", "<u2", time_axis=1, rate=self.config.frame_rate), FieldSpec("text", "<f4"))

    def field_key(self, sample: Sample, name: str) -> str:
        """Codes depend on the audio's bytes, text states on the caption; both on the weights."""
        if name == "text":
            return content_key(self._weights_key, "text", sample.texts["caption"])
        return content_key(self._weights_key, "codes", audio_key(sample.audios["audio"]))

    @contextmanager
    def encoder(self, device: str = "cpu") -> Iterator[Encoder]:
        """T5 and EnCodec, alive for the length of the block."""
        from tunesmith.families.musicgen.encoder import MusicGenEncoder

        encoder = MusicGenEncoder(self.folder, self.config, device)
        try:
            yield encoder
        finally:
            encoder.close()

    # --- training ---------------------------------------------------------------------------------------------------

    def networks(self, *, meta: bool = False) -> dict[str, nn.Module]:
        """The decoder with its text projection."""
        from tunesmith.families.musicgen.weights import load_trained_part

        return {NETWORK: load_trained_part(self.folder, self.config, meta=meta)}

    def adapter_defaults(self) -> dict[str, AdapterDefaults]:
        """LoRA on the blocks' linear layers, rank 16."""
        return {NETWORK: AdapterDefaults(TARGETS, rank=16, alpha=16)}

    def collate(self, items: Sequence[Mapping[str, np.ndarray]], rngs: Sequence[ItemRng] | None) -> Batch:
        """Right-pad codes with the pad id and text with zeros; captions dropped by a zero mask."""
        import torch

        from tunesmith.families.musicgen.objective import condition_dropout, term_weights

        frames = [item["codes"].shape[1] for item in items]
        words = [item["text"].shape[0] for item in items]
        codes = np.full((len(items), self.config.num_codebooks, max(frames)), self.config.pad, np.int64)
        text = np.zeros((len(items), max(words), items[0]["text"].shape[1]), np.float32)
        mask = np.zeros((len(items), max(words)), np.float32)
        for row, item in enumerate(items):
            codes[row, :, : frames[row]] = item["codes"]
            text[row, : words[row]] = item["text"]
            mask[row, : words[row]] = 1
        keep = condition_dropout(rngs, self.options.text_dropout, len(items))
        return {
            "codes": torch.from_numpy(codes),
            "frames": torch.tensor(frames),
            "text": torch.from_numpy(text),
            "text_mask": torch.from_numpy(mask) * keep[:, None],
            "weights": term_weights(frames, self.config.delays),
        }

    def weights(self, batch: Batch) -> dict[str, float]:
        """Targets per codebook."""
        return batch["weights"]

    def loss(
        self, networks: Mapping[str, nn.Module], batch: Batch, rngs: Sequence[ItemRng] | None
    ) -> dict[str, LossTerm]:
        """Cross-entropy per codebook under the delay pattern."""
        from tunesmith.families.musicgen.objective import musicgen_loss

        return musicgen_loss(networks[NETWORK], batch, self.config.delays, self.config.pad)

    def base_prompts(self) -> tuple[str, ...]:
        """The checkpoint's own list where it ships one (``base_prompts.json``), else eight varied ones."""
        path = self.folder / "base_prompts.json"
        return tuple(read_json(path)) if path.exists() else BASE_PROMPTS

    def chance_loss(self) -> float:
        """Ln V, the cross-entropy of a uniform guess."""
        return float(np.log(self.config.vocab_size))

    def max_base_loss_ratio(self) -> float:
        """0.85: real ones start at 4 to 5.5 nats of 7.6. The pocket model knows six styles and must beat a guess."""
        return 1.0 if self.path == "pocket" else 0.85

    def sanity_variants(self) -> dict[str, Callable[[Mapping[str, nn.Module], Batch], dict[str, LossTerm]]]:
        """The parallel layout (no delay): what transformers' ``labels`` give, and worse for every real checkpoint."""

        def parallel(networks: Mapping[str, nn.Module], batch: Batch) -> dict[str, LossTerm]:
            from tunesmith.families.musicgen.objective import musicgen_loss, term_weights

            none = (0,) * self.config.num_codebooks
            undelayed = {**batch, "weights": term_weights(batch["frames"].tolist(), none)}
            return musicgen_loss(networks[NETWORK], undelayed, none, self.config.pad)

        return {"layout": parallel}

    def checkpointing(self, networks: Mapping[str, nn.Module]) -> None:
        """Recompute the blocks in the backward pass."""
        decoder: Any = networks[NETWORK]
        decoder.decoder.gradient_checkpointing_enable({"use_reentrant": False})

    def compile_blocks(self, networks: Mapping[str, nn.Module]) -> None:
        """Compile every decoder layer by itself: one graph serves all of them."""
        decoder: Any = networks[NETWORK]
        for layer in decoder.decoder.model.decoder.layers:
            layer.compile(dynamic=True)

    @classmethod
    def load_code(cls, base: str, adapter: str) -> str:
        """Plain transformers and PEFT."""
        return LOAD_CODE.format(base=base, adapter=adapter)

    # --- generation and export --------------------------------------------------------------------------------------

    def generator(self, networks: Mapping[str, nn.Module] | None = None, device: str = "cpu") -> Generator:
        """A generator over the run's networks, or over the base."""
        from tunesmith.families.musicgen.generate import MusicGenGenerator

        network = (networks or self.networks())[NETWORK]
        return MusicGenGenerator(self.folder, self.config, self.options, network, device)

    def export_merged(self, networks: Mapping[str, nn.Module], folder: Path) -> None:
        """A ``MusicgenForConditionalGeneration.save_pretrained`` folder with the adapter inside."""
        from tunesmith.families.musicgen.export import export_merged

        export_merged(self.folder, self.config, networks[NETWORK], folder)
