"""ACE-Step v1 as a family: a diffusion transformer over music latents, told tags and lyrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from tunesmith.adapters.settings import AdapterDefaults
from tunesmith.data.content import audio_key, content_key, file_digest, weights_digest
from tunesmith.data.fields import FieldSpec
from tunesmith.data.findings import Finding
from tunesmith.data.item_rng import ItemRng
from tunesmith.data.sample import Sample
from tunesmith.families.ace_step.config import (
    DCAE,
    LICENCE,
    MAX_SECONDS,
    SAMPLE_RATE,
    TEXT,
    TRANSFORMER,
    VOCODER,
    AceStepConfig,
    AceStepSettings,
    read_config,
)
from tunesmith.families.ace_step.source import POCKET, is_ace_step, locate
from tunesmith.families.base_weights import packed_size, packed_warnings
from tunesmith.families.contract import Batch, Encoder, Family, FamilySettings, Generator, ModelCard
from tunesmith.families.loss_terms import LossTerm
from tunesmith.files import read_json

if TYPE_CHECKING:
    from torch import nn

    from tunesmith.families.ace_step.lyrics.tokenizer import LyricTokenizer
    from tunesmith.families.ace_step.parts.text import TextEncoder

NETWORK = "transformer"
TARGETS = ("linear_q", "linear_k", "linear_v", "to_q", "to_k", "to_v", "to_out.0")
"""Attention of transformer and lyric encoder, as upstream; without its ``speaker_embedder``, which only ever sees zeros
and so never gets a gradient."""
BASE_PROMPTS = (
    "acoustic guitar, soft piano, calm, folk, 80 bpm",
    "pop rock, electric guitar, live drums, male vocal, energetic, 130 bpm",
    "orchestral, film score, strings, horns, epic",
    "deep house, electronic, synthesizer, female vocal, 122 bpm",
    "jazz, piano trio, double bass, brushed drums, relaxed",
    "bluegrass, banjo, fiddle, fast, bright",
    "ambient, synthesizer, drone, peaceful",
    "funk, slap bass, brass, groovy, 105 bpm",
)
"""Far apart from each other and from most fine-tuning sets, so that forgetting shows."""
LOAD_CODE = """\
from acestep.pipeline_ace_step import ACEStepPipeline

pipeline = ACEStepPipeline()  # downloads {base}; or checkpoint_dir="…"
pipeline(
    prompt="city pop, female vocal, 110 bpm", lyrics="[verse]\\n…", audio_duration=30,
    lora_name_or_path={adapter}, lora_weight=1.0, save_path="song.wav",
)
"""
ENCODING_VERSION = 1
"""Raised when the front end changes, so that older cache entries are not used."""
SSL_RATES = {"mert": 374 / 5, "m-hubert": 1499 / 30}
"""Features per second, as the two models give them for their own pieces of 5 and 30 s."""


class AceStepFamily(Family):
    """ACE-Step v1 (3.5 B)."""

    name = "ace_step"
    Settings = AceStepSettings
    audio_roles = ("audio",)
    text_roles = ("caption", "lyrics")
    config_file = f"{TRANSFORMER}/diffusion_pytorch_model.safetensors"
    loss_unit = "mean squared error"

    def __init__(self, path: str, settings: FamilySettings | None = None, revision: str | None = None) -> None:
        super().__init__(path, settings, revision)
        self.options = cast(AceStepSettings, self.settings)

    @cached_property
    def folder(self) -> Path:
        """The checkpoint's local folder."""
        return locate(self.path, self.revision)

    @cached_property
    def config(self) -> AceStepConfig:
        """The checkpoint's sizes."""
        return read_config(self.folder)

    @property
    def pocket(self) -> bool:
        """Whether this is the model that ships with Tunesmith."""
        return self.path in (POCKET, "pocket")

    @property
    def ssl_names(self) -> tuple[str, ...]:
        """Fields of the compared models' features; none unless the projection losses are on."""
        return self.config.transformer.ssl_names if self.options.ssl == "on" else ()

    @classmethod
    def recognises(cls, path: str) -> bool:
        """The published repository's name, a folder with the four model folders, or ``pocket/ace_step``."""
        return is_ace_step(path)

    def published(self) -> ModelCard | None:
        """Published sizes of the checkpoint on the Hub."""
        from tunesmith.families.ace_step.published import published_card

        return published_card(self.path, self.options.base_weights)

    @classmethod
    def recipe_defaults(cls) -> dict[str, dict[str, Any]]:
        """Whole songs, and upstream's optimizer."""
        return {
            "data": {"max_seconds": MAX_SECONDS, "min_crop_seconds": 30.0},
            "adapter": {"rank": 64, "alpha": 64.0},
            "train": {"batch_size": 1, "accumulation": 4, "betas": [0.8, 0.9], "max_grad_norm": 0.5},
            "previews": {"seconds": 20.0},
            "generate": {"seconds": 30.0},
            "evaluate": {"seconds": 30.0},
        }

    @property
    def base_name(self) -> str:
        """The hub id or folder."""
        return str(self.folder) if self.pocket else self.path

    def card(self) -> ModelCard:
        """Sizes and licence from configs and file headers."""
        from tunesmith.families.ace_step.sizes import (
            cached_bytes,
            packable,
            tensor_elements,
            transformer_shape,
            used_parameters,
        )

        files = sorted(self.folder.glob("*/*.safetensors"))
        trained = used_parameters(self.config.transformer)
        frame_bytes, text_bytes = cached_bytes(self.config.transformer)
        packed_parameters, packed_bytes = packed_size(packable(self.config.transformer), self.options.base_weights)
        frozen = sum(tensor_elements(file) for file in files if file.parent.name != TRANSFORMER)
        return ModelCard(
            family=self.name,
            path=self.path,
            licence=LICENCE,
            sample_rate=SAMPLE_RATE,
            channels=2,
            frame_rate=self.config.frame_rate,
            max_seconds=MAX_SECONDS,
            parameters=trained + frozen,
            trained_parameters=trained,
            weights_bytes=sum(file.stat().st_size for file in files),
            shapes=(transformer_shape(self.config.transformer),),
            frame_bytes=frame_bytes,
            text_bytes=text_bytes,
            packed_parameters=packed_parameters,
            packed_bytes=packed_bytes,
        )

    @cached_property
    def _tokenizer(self) -> TextEncoder:
        from tunesmith.families.ace_step.parts.text import TextEncoder

        return TextEncoder(self.folder, self.config, "cpu")

    def unk_ratio(self, text: str) -> float:
        """Share of the text's letters that UMT5's tokenizer does not know; small for any written language."""
        return self._tokenizer.unk_ratio(text)

    def text_findings(self, sample: Sample) -> list[Finding]:
        """Captions that will be cut; lyrics with unknown tags, unknown letters or too many tokens."""
        from tunesmith.families.ace_step.encoder import has_lyrics, lyric_tokens
        from tunesmith.families.ace_step.prompts import recaptions
        from tunesmith.families.ace_step.text_checks import caption_findings, language_findings, lyric_findings

        texts = [sample.texts.get("caption", ""), *recaptions(sample.attributes)]
        found = list(caption_findings(sample.id, max(self._tokenizer.tokens(text) for text in texts)))
        if has_lyrics(sample):
            found += language_findings(sample.id, str(sample.attributes.get("language") or ""))
            found += lyric_findings(sample.id, lyric_tokens(self._lyric_tokenizer, sample, self.options))
        return found

    @cached_property
    def _lyric_tokenizer(self) -> LyricTokenizer:
        from tunesmith.families.ace_step.encoder import lyric_tokenizer

        return lyric_tokenizer(self.folder, self.options)

    # --- encoding ---------------------------------------------------------------------------------------------------

    def fields(self) -> tuple[FieldSpec, ...]:
        """Latents (C, H, T) of the whole song, states of every text, lyric ids with their sections, speaker vector."""
        rates = {name: SSL_RATES.get(name, 50.0) for name in self.ssl_names}
        return (
            FieldSpec("latents", "<f2", time_axis=2, rate=self.config.frame_rate),
            FieldSpec("text", "<f2"),
            FieldSpec("text_parts", "<i4"),
            FieldSpec("lyrics", "<i4"),
            FieldSpec("lyric_sections", "<i4"),
            FieldSpec("speaker", "<f4"),
            *(FieldSpec(name, "<f2", time_axis=0, rate=rate) for name, rate in rates.items()),
        )

    def field_key(self, sample: Sample, name: str) -> str:
        """Latents depend on the audio's bytes, text on caption and recaptions, lyrics on themselves."""
        if name == "latents":
            return content_key(self._digest(DCAE, VOCODER), name, audio_key(sample.audios["audio"]))
        if name in ("text", "text_parts"):
            from tunesmith.families.ace_step.prompts import all_texts

            texts, orders = all_texts(sample.texts.get("caption", ""), sample.attributes, self.options.tag_orders)
            return content_key(self._digest(TEXT), name, orders, *texts)
        if name in ("lyrics", "lyric_sections"):
            return content_key(ENCODING_VERSION, name, *self._lyrics_key(sample))
        if name == "speaker":
            path = str(sample.attributes.get("speaker_emb_path") or "")
            return content_key(
                name, self.config.transformer.speaker_embedding_dim, file_digest(Path(path)) if path else ""
            )
        return content_key(ENCODING_VERSION, name, *self.options.ssl_models, audio_key(sample.audios["audio"]))

    def _lyrics_key(self, sample: Sample) -> tuple[str, ...]:
        text = sample.texts.get("lyrics", "")
        if not text.strip():
            return ("",)
        from tunesmith.families.ace_step.encoder import language_of

        return (text, language_of(sample, self.options), self._vocabulary_digest)

    @cached_property
    def _vocabulary_digest(self) -> str:
        from tunesmith.families.ace_step.lyrics.vocabulary import locate_vocabulary

        return file_digest(locate_vocabulary(self.options.lyric_vocabulary, self.folder))

    def _digest(self, *parts: str) -> str:
        return content_key(ENCODING_VERSION, *(weights_digest(self.folder / part) for part in parts))

    @contextmanager
    def encoder(self, device: str = "cpu") -> Iterator[Encoder]:
        """Codec, UMT5 and lyric tokeniser, alive for the length of the block."""
        from tunesmith.families.ace_step.encoder import AceStepEncoder

        encoder = AceStepEncoder(self.folder, self.config, self.options, device)
        try:
            yield encoder
        finally:
            encoder.close()

    # --- training ---------------------------------------------------------------------------------------------------

    def networks(self, *, meta: bool = False) -> dict[str, nn.Module]:
        """The transformer with its lyric encoder."""
        from tunesmith.families.ace_step.parts.weights import load_transformer

        return {
            NETWORK: load_transformer(
                self.folder,
                self.config.transformer,
                meta=meta,
                projectors=bool(self.ssl_names),
                lyric_dropout=self.options.lyric_encoder_dropout,
                base_weights=self.options.base_weights,
            )
        }

    def adapter_defaults(self) -> dict[str, AdapterDefaults]:
        """LoRA on every attention, rank 64."""
        return {NETWORK: AdapterDefaults(TARGETS, rank=64, alpha=64)}

    def collate(self, items: Sequence[Mapping[str, np.ndarray]], rngs: Sequence[ItemRng] | None) -> Batch:
        """Latents, noise, noise levels and conditions."""
        from tunesmith.families.ace_step.collate import collate

        return collate(items, rngs, self.options, self.ssl_names)

    def weights(self, batch: Batch) -> dict[str, float]:
        """Valid frames per term."""
        return batch["weights"]

    def loss(
        self, networks: Mapping[str, nn.Module], batch: Batch, rngs: Sequence[ItemRng] | None
    ) -> dict[str, LossTerm]:
        """Error of the estimated clean latents, and the projection losses when they are on."""
        from tunesmith.families.ace_step.objective import ace_step_loss

        return ace_step_loss(networks[NETWORK], batch, self.ssl_names)

    def base_prompts(self) -> tuple[str, ...]:
        """The checkpoint's own list where it ships one (``base_prompts.json``), else eight varied ones."""
        path = self.folder / "base_prompts.json"
        return tuple(read_json(path)) if path.exists() else BASE_PROMPTS

    def chance_loss(self) -> float:
        """The held-out loss of a model that knows nothing (no velocity), for latents of unit variance."""
        from tunesmith.families.ace_step.objective import silent_level

        return silent_level(self.options.shift)

    def sanity_variants(self) -> dict[str, Callable[[Mapping[str, nn.Module], Batch], dict[str, LossTerm]]]:
        """Latents upside down: low frequencies where high ones belong."""

        def upside_down(networks: Mapping[str, nn.Module], batch: Batch) -> dict[str, LossTerm]:
            from tunesmith.families.ace_step.objective import upside_down

            return self.loss(networks, upside_down(batch), None)

        return {"upside_down": upside_down}

    def checkpointing(self, networks: Mapping[str, nn.Module]) -> None:
        """Recompute the blocks in the backward pass."""
        from tunesmith.families.ace_step.parts.transformer import unwrap_peft

        unwrap_peft(networks[NETWORK]).enable_checkpointing()

    def compile_blocks(self, networks: Mapping[str, nn.Module]) -> None:
        """Compile every transformer block by itself: one graph serves all of them."""
        from tunesmith.families.ace_step.parts.transformer import unwrap_peft

        for block in unwrap_peft(networks[NETWORK]).transformer_blocks:
            block.compile(dynamic=True)

    def default_request_options(self) -> dict[str, Any]:
        """Previews and comparisons are made of tags and lyrics, whatever is generated afterwards."""
        return {"task": "text2music"}

    def objective_options(self) -> dict[str, Any]:
        """Noise levels, projection losses, and the base as it is in memory."""
        return self.options.model_dump(include={"shift", "ssl", "ssl_weight", "base_weights"})

    def adapter_warnings(self, targets: Sequence[str], kind: str) -> list[str]:
        """Targets that learn nothing; DoRA, which only PEFT itself can load; a base that is not the published one."""
        from tunesmith.families.ace_step.adapter_targets import idle_targets

        dora = ["a DoRA has no form that ACE-Step's own tools load; use `tunesmith export --merged` for them"]
        return [
            *idle_targets(targets),
            *(dora if kind == "dora" else []),
            *packed_warnings(self.options.base_weights),
        ]

    def apply_adapters(self, networks: Mapping[str, nn.Module], loras: Sequence[str]) -> list[str]:
        """Add LoRA files or folders of any known format, each at its strength."""
        from tunesmith.families.ace_step.adapter_files import read_lora
        from tunesmith.families.ace_step.adapter_stack import apply_loras, parse_lora
        from tunesmith.families.ace_step.parts.transformer import unwrap_peft

        chosen = [(read_lora(path), strength) for path, strength in map(parse_lora, loras)]
        apply_loras(unwrap_peft(networks[NETWORK]), chosen)
        return [note for lora, _ in chosen for note in lora.notes]

    @classmethod
    def load_code(cls, base: str, adapter: str) -> str:
        """Upstream's own pipeline, which loads the file beside the PEFT adapter."""
        return LOAD_CODE.format(base=base, adapter=adapter)

    # --- generation and export --------------------------------------------------------------------------------------

    def generator(self, networks: Mapping[str, nn.Module] | None = None, device: str = "cpu") -> Generator:
        """A generator over the run's networks, or over the base."""
        from tunesmith.families.ace_step.generate import AceStepGenerator

        network = (networks or self.networks())[NETWORK]
        return AceStepGenerator(self.folder, self.config, self.options, network, device)

    def adapter_formats(self) -> dict[str, Callable[[Path, Path], None]]:
        """Upstream's file with the scale baked in, diffusers' with the scale in its header, ComfyUI's with alphas."""
        from tunesmith.families.ace_step.adapter_formats import FORMATS

        return dict(FORMATS)

    def write_extra_adapter_files(self, folder: Path) -> None:
        """The baked file that upstream's pipeline loads; a DoRA adapter has none, only a merged model holds it."""
        from tunesmith.families.ace_step.adapter_formats import bake_beside

        bake_beside(folder)

    def export_merged(self, networks: Mapping[str, nn.Module], folder: Path) -> None:
        """A checkpoint folder in the published layout with the adapter inside the transformer."""
        from tunesmith.families.ace_step.export import export_merged

        export_merged(self.folder, networks[NETWORK], folder)
