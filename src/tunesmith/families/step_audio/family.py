"""Step-Audio-EditX as a family: an LLM over audio codes that clones and edits speech, and a flow for the sound."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from tunesmith.adapters.settings import AdapterDefaults
from tunesmith.data.augmented import Augmented
from tunesmith.data.content import audio_key, content_key, ends_digest, file_digest, weights_digest
from tunesmith.data.fields import FieldSpec
from tunesmith.data.item_rng import ItemRng
from tunesmith.data.sample import PROMPT, PROMPT_TEXT, Sample, edit_type
from tunesmith.families.base_weights import packed_warnings
from tunesmith.families.contract import Batch, Encoder, Family, FamilySettings, Generator, ModelCard, PhaseSpec
from tunesmith.families.loss_terms import LossTerm
from tunesmith.families.step_audio.config import (
    FLOW,
    GROUP,
    LICENCE,
    LLM,
    TOKENIZER_RATE,
    FlowConfig,
    Step1Config,
    StepAudioSettings,
    TokenIds,
    known,
)
from tunesmith.families.step_audio.defaults import (
    BASE_EDITS,
    BASE_PROMPTS,
    FLOW_TARGETS,
    LLM_TARGETS,
    LOAD_CODE,
    STARTING_RECIPE,
)
from tunesmith.families.step_audio.sizes import IDS_PER_SECOND, MEL_RATE
from tunesmith.families.step_audio.source import POCKET, flow_folder, is_here, is_step_audio, locate, tokenizer_files
from tunesmith.families.step_audio.text_checks import PROMPT_TOKENS, TARGET_TOKENS, edit_info, validate_samples
from tunesmith.files import read_json
from tunesmith.speech.tools import SpeechTools

if TYPE_CHECKING:
    from torch import nn

    from tunesmith.families.step_audio.encoder import StepAudioEncoder

ENCODING_VERSION = 1
"""Raised when the front end changes, so that older cache entries are not used."""


class StepAudioFamily(Family):
    """Step-Audio-EditX (LLM 3.5 B, flow 0.15 B)."""

    name = "step_audio"
    Settings = StepAudioSettings
    audio_roles = (PROMPT, "audio")
    text_roles = ("caption", PROMPT_TEXT)
    full_precision = (FLOW,)
    config_file = "model.safetensors.index.json"

    def __init__(self, path: str, settings: FamilySettings | None = None, revision: str | None = None) -> None:
        super().__init__(path, settings, revision)
        self.options = cast(StepAudioSettings, self.settings)
        self._listeners: dict[str, StepAudioEncoder] = {}  # of its generators by device: loading takes long

    @cached_property
    def folder(self) -> Path:
        """The checkpoint's local folder."""
        return locate(self.path, self.revision)

    @cached_property
    def flow_folder(self) -> Path:
        """The folder of ``flow.pt``."""
        return flow_folder(self.folder, self.options.flow_path)

    @cached_property
    def ids(self) -> TokenIds:
        """How this checkpoint numbers audio codes; as published where it is not here, as checks need none."""
        if not is_here(self.path, self.revision, self.config_file):
            return TokenIds()
        return known(TokenIds, read_json(self.folder / "config.json").get("tunesmith_small") or {})

    @property
    def pocket(self) -> bool:
        """Whether this is the model that ships with Tunesmith."""
        return self.path == POCKET

    @property
    def trained(self) -> tuple[str, ...]:
        """The networks that this run trains."""
        return (LLM, FLOW) if self.options.train == "both" else (self.options.train,)

    @classmethod
    def recognises(cls, path: str) -> bool:
        """The published repository's name, a folder whose config says ``step1``, or ``pocket/step_audio``."""
        return is_step_audio(path)

    def published(self) -> ModelCard | None:
        """Published sizes of the checkpoint on the Hub."""
        from tunesmith.families.step_audio.published import published_card

        return published_card(self.path, self.options, self.stages())

    @property
    def base_name(self) -> str:
        """The hub id or folder."""
        return str(self.folder) if self.pocket else self.path

    @classmethod
    def recipe_defaults(cls) -> dict[str, dict[str, Any]]:
        """LoRA on the LLM, the flow's decoder itself, three stages, and checks that suit speech."""
        return STARTING_RECIPE

    def card(self) -> ModelCard:
        """Sizes and licence from configs and file headers."""
        from tunesmith.families.step_audio.published import card_of

        run = (self.options, self.stages())
        return card_of(self.path, LICENCE, self.configs, run, (self.folder, self.flow_folder))

    @cached_property
    def configs(self) -> tuple[Step1Config, FlowConfig]:
        """Sizes of both networks."""
        from tunesmith.families.step_audio.parts.cosyvoice_yaml import read_cosyvoice
        from tunesmith.families.step_audio.parts.step1_weights import read_config

        return read_config(self.folder), read_cosyvoice(self.flow_folder / "cosyvoice.yaml").flow

    # --- samples ----------------------------------------------------------------------------------------------------

    def validate_samples(self, samples: Sequence[Sample]) -> None:
        """Refuse edits that the model does not know."""
        validate_samples(samples)

    def add_prompts(self, samples: Sequence[Sample], seed: int) -> Augmented:
        """Transcripts where they are missing and Whisper is there, and a voice prompt for every sample."""
        from tunesmith.families.step_audio.add_prompts import complete
        from tunesmith.speech.transcribe import transcriber

        return complete(
            samples,
            seed,
            networks=frozenset(self.trained),
            ids=self.ids,
            find=lambda: transcriber(self.options.whisper or None),
            language=self.options.language or None,
        )

    def speech(self) -> SpeechTools | None:
        """CAM++ where it is installed, and the user's Whisper."""
        from tunesmith.families.step_audio.voices import speaker_tool

        here = is_here(self.path, self.revision, self.config_file)
        tool = speaker_tool(self.folder, self.flow_folder, self.configs[1].spk_embed_dim) if here else None
        voice, name = tool if tool else (None, "")
        whisper, language = self.options.whisper or None, self.options.language or None
        return SpeechTools(voice, name, whisper, language, lowest_rate=TOKENIZER_RATE)

    # --- encoding ---------------------------------------------------------------------------------------------------

    def fields(self) -> tuple[FieldSpec, ...]:
        """Mel (F, C) of target and prompt, LLM ids of both, the LLM's prompt, speaker vector, encoder output."""
        frozen = (FieldSpec("mu", "<f4"),) if self.options.freeze_encoder and FLOW in self.trained else ()
        return (
            FieldSpec("mel", "<f4", time_axis=0, rate=float(MEL_RATE)),
            FieldSpec("codes", "<i4"),
            FieldSpec("ids", "<i4"),
            FieldSpec("prompt_codes", "<i4"),
            FieldSpec("prompt_mel", "<f4"),
            FieldSpec("speaker", "<f4"),
            *frozen,
        )

    def field_key(self, sample: Sample, name: str) -> str:
        """Depends on the bytes of the recordings or their tokens, on texts and edit, and on the front end's files."""
        recordings = {
            role: audio_key(sample.audios[role]) if role in sample.audios else "" for role in (PROMPT, "audio")
        }
        tokens = {PROMPT: sample.attributes.get(PROMPT_TOKENS), "audio": sample.attributes.get(TARGET_TOKENS)}
        roles = {
            "mel": ("audio",),
            "codes": ("audio",),
            "ids": (PROMPT,),
            "prompt_codes": (PROMPT,),
            "prompt_mel": (PROMPT,),
            "speaker": (PROMPT,),
            "mu": (PROMPT, "audio"),
        }[name]
        heard = [part for role in roles for part in (recordings[role], tokens[role])]
        ears = self._ears_digest if any(recordings[role] for role in roles) else ""  # ready tokens need no tokeniser
        parts: list[Any] = [ENCODING_VERSION, name, ears, *heard]
        if name == "mel":
            parts += [bool(recordings[PROMPT])]
        if name == "ids":
            texts = [sample.texts.get(role, "") for role in self.text_roles]
            parts += [*texts, edit_type(sample.attributes), edit_info(sample), self.options.prompt_style]
            parts += [weights_digest(self.folder)]
        if name == "mu":
            parts += [file_digest(self.flow_folder / "flow.pt")]
        return content_key(*parts)

    @cached_property
    def _ears_digest(self) -> str:
        """Of what hears: the small front end's file, or the tokenisers' and the speaker encoder's."""
        from tunesmith.families.step_audio.small import TENSORS

        small = self.folder / TENSORS
        if small.is_file():
            return file_digest(small)
        files = [*tokenizer_files(self.folder, self.options.tokenizer_path), *sorted(self.flow_folder.glob("*.onnx"))]
        return content_key(*(f"{file.name} {ends_digest(file)}" for file in files))

    @contextmanager
    def encoder(self, device: str = "cpu") -> Iterator[Encoder]:
        """Tokenisers, speaker encoder and the flow's own encoder, alive for the length of the block."""
        encoder = self._encoder(device)
        try:
            yield encoder
        finally:
            encoder.close()

    def _encoder(self, device: str) -> StepAudioEncoder:
        from tunesmith.families.step_audio.encoder import StepAudioEncoder
        from tunesmith.families.step_audio.frontend import front_end

        ears = front_end(self.folder, self.flow_folder, self.ids, self.options.tokenizer_path, device)
        return StepAudioEncoder(self.folder, self.ids, self.options, ears, self.flow_folder / "flow.pt", device)

    # --- training ---------------------------------------------------------------------------------------------------

    def networks(self, *, meta: bool = False) -> dict[str, nn.Module]:
        """LLM and flow; the LLM in the precision of its files, the flow in fp32."""
        from tunesmith.families.step_audio.networks import without_weights

        return without_weights(*self.configs) if meta else {name: self.network(name) for name in (LLM, FLOW)}

    def network(self, name: str) -> nn.Module:
        """One of both, ``llm`` or ``flow``."""
        from tunesmith.families.step_audio.networks import read_network

        return read_network(name, self.folder, self.flow_folder, self.configs[1], self.options.base_weights)

    def adapter_defaults(self) -> dict[str, AdapterDefaults]:
        """LoRA on the LLM's attention; of the flow the decoder, itself or by LoRA."""
        full = ("decoder",) if self.options.freeze_encoder else (
            "decoder", "encoder", "encoder_proj", "input_embedding", "spk_embed_affine_layer",
        )  # fmt: skip
        defaults = {
            LLM: AdapterDefaults(LLM_TARGETS, rank=8, alpha=32),
            FLOW: AdapterDefaults(FLOW_TARGETS, rank=16, alpha=16, full=full),
        }
        return {name: defaults[name] for name in self.trained}

    def stages(self) -> tuple[PhaseSpec, ...]:
        """LLM, flow, then both together at a tenth of the learning rate; untrained ones are empty."""
        both = (
            PhaseSpec(LLM, (LLM,), share=25),
            PhaseSpec(FLOW, (FLOW,), share=25),
            PhaseSpec("joint", (LLM, FLOW), share=5, lr_factor=0.1),
        )
        if self.options.train == "both":
            return both
        return tuple(spec if spec.name in self.trained else PhaseSpec(spec.name, (), share=0) for spec in both)

    def collate(self, items: Sequence[Mapping[str, np.ndarray]], rngs: Sequence[ItemRng] | None) -> Batch:
        """Ids for the LLM; mel, noise, times and conditions for the flow."""
        from tunesmith.families.step_audio.collate import collate

        return collate(items, rngs, self.options, self.ids)

    def weights(self, batch: Batch) -> dict[str, float]:
        """Answer ids, and target frames per time."""
        return batch["weights"]

    def loss(
        self, networks: Mapping[str, nn.Module], batch: Batch, rngs: Sequence[ItemRng] | None
    ) -> dict[str, LossTerm]:
        """Cross-entropy of the answer's ids and error of the velocity, of the networks that are there and train."""
        from tunesmith.families.step_audio.objective import step_audio_loss

        trained = {name: network for name, network in networks.items() if name in self.trained}
        return step_audio_loss(trained, batch, rngs, self.options, self.ids)

    def trained_frames(self, batch: Batch) -> float:
        """Target frames of the network that learns from more clips (others may lack texts, or audio)."""
        weights = batch["weights"]
        flow = [weights[name] for name in batch.get("flow_names", ())[:1]] if FLOW in self.trained else []
        return max([weights[LLM] * MEL_RATE / IDS_PER_SECOND if LLM in self.trained else 0.0, *flow])

    def base_prompts(self) -> tuple[str, ...]:
        """The checkpoint's own list where it ships one (``base_prompts.json``), else eight in two languages."""
        path = self.folder / "base_prompts.json"
        return tuple(read_json(path)) if path.exists() else BASE_PROMPTS

    def base_edits(self) -> tuple[tuple[str, str], ...]:
        """The checkpoint's own list where it ships one (``base_edits.json``), else one of every kind."""
        path = self.folder / "base_edits.json"
        return tuple((kind, info) for kind, info in read_json(path)) if path.exists() else BASE_EDITS

    def chance_loss(self) -> float | None:
        """Cross-entropy of a guess among the codes whose turn it is; the flow's error has no such level."""
        if self.options.train == FLOW:
            return None
        return (2 * math.log(self.ids.vq02) + 3 * math.log(self.ids.vq06)) / GROUP

    def sanity_variants(self) -> dict[str, Callable[[Mapping[str, nn.Module], Batch], dict[str, LossTerm]]]:
        """Speech backwards, in codes and mel."""

        def backwards(networks: Mapping[str, nn.Module], batch: Batch) -> dict[str, LossTerm]:
            from tunesmith.families.step_audio.objective import backwards

            return self.loss(networks, backwards(batch), None)

        return {"backwards": backwards}

    def checkpointing(self, networks: Mapping[str, nn.Module]) -> None:
        """Recompute the blocks of both networks in the backward pass."""
        from tunesmith.families.step_audio.objective import unwrap_peft

        unwrap_peft(networks[LLM]).gradient_checkpointing = True
        unwrap_peft(networks[FLOW]).decoder.estimator.gradient_checkpointing = True

    def default_request_options(self) -> dict[str, Any]:
        """Previews of texts without a sample are clones, whatever is generated afterwards."""
        return {"edit_type": "clone"}

    def objective_options(self) -> dict[str, Any]:
        """What trains, what decides the flow's targets and conditions, and the base as it is in memory."""
        names = {"train", "prompt_style", "t_schedule", "freeze_encoder", "llm_weight", "flow_weight", "base_weights"}
        return self.options.model_dump(include=names)

    def adapter_warnings(self, targets: Sequence[str], kind: str) -> list[str]:
        """A base that is not the published one."""
        frozen = "options.freeze_encoder is false, and only `kind: full` of the flow trains its encoder"
        return [*packed_warnings(self.options.base_weights), *([] if self.options.freeze_encoder else [frozen])]

    @classmethod
    def load_code(cls, base: str, adapter: str) -> str:
        """Through our own :class:`StepAudioTTS`; PEFT alone would need the remote code of the checkpoint."""
        return LOAD_CODE.format(base=base, adapter=adapter)

    # --- generation and export --------------------------------------------------------------------------------------

    def generator(self, networks: Mapping[str, nn.Module] | None = None, device: str = "cpu") -> Generator:
        """A generator over a run's networks, or over the base's; all on one device share a front end."""
        import torch

        from tunesmith.families.step_audio.generate import StepAudioGenerator

        if networks is None:
            kind = None if device.startswith("cuda") else torch.float32
            networks = {name: network.to(device, kind) for name, network in self.networks().items()}
        if device not in self._listeners:
            self._listeners[device] = self._encoder(device)
        return StepAudioGenerator(networks, self._listeners[device], device)

    def adapter_formats(self) -> dict[str, Callable[[Path, Path], None]]:
        """``pt``: the files of the seed trainer (``llm_best.pt``, ``flow_best.pt``)."""
        from tunesmith.families.step_audio.checkpoints import write_best

        return {"pt": write_best}

    def export_merged(self, networks: Mapping[str, nn.Module], folder: Path) -> None:
        """LLM in safetensors with the adapter inside (for vLLM), and a full ``flow.pt``."""
        from tunesmith.families.step_audio.export import export_merged
        from tunesmith.families.step_audio.objective import unwrap_peft

        export_merged(unwrap_peft(networks[LLM]), unwrap_peft(networks[FLOW]), self.folder, self.flow_folder, folder)
