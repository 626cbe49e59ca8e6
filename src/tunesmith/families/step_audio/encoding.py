"""What is encoded once per pair: codes and mel of both recordings, the LLM's prompt, the voice, the flow's encoder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tunesmith.data.content import audio_key, content_key, ends_digest, file_digest, weights_digest
from tunesmith.data.fields import FieldSpec
from tunesmith.data.sample import PROMPT, Sample, edit_type
from tunesmith.families.contract import Encoder, Encoding
from tunesmith.families.step_audio.checkpoint import StepAudioCheckpoint
from tunesmith.families.step_audio.config import FLOW, TEXT_ROLES
from tunesmith.families.step_audio.sizes import MEL_RATE
from tunesmith.families.step_audio.source import tokenizer_files
from tunesmith.families.step_audio.text_checks import PROMPT_TOKENS, TARGET_TOKENS, edit_info

if TYPE_CHECKING:
    from tunesmith.families.step_audio.encoder import StepAudioEncoder

ENCODING_VERSION = 1
"""Raised when the front end changes, so that older cache entries are not used."""


class StepAudioEncoding(Encoding):
    """Recordings as codes, mel and voice; texts as ids."""

    def __init__(self, checkpoint: StepAudioCheckpoint) -> None:
        self.checkpoint = checkpoint

    def fields(self) -> tuple[FieldSpec, ...]:
        """Mel (F, C) of target and prompt, LLM ids of both, the LLM's prompt, speaker vector, encoder output."""
        frozen = (
            (FieldSpec("mu", "<f4"),)
            if self.checkpoint.settings.freeze_encoder and FLOW in self.checkpoint.trained
            else ()
        )
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
        content = [part for role in roles for part in (recordings[role], tokens[role])]
        digest = self._front_end_digest if any(recordings[role] for role in roles) else ""  # tokens need no tokeniser
        parts: list[Any] = [ENCODING_VERSION, name, digest, *content]
        if name == "mel":
            parts += [bool(recordings[PROMPT])]
        if name == "ids":
            texts = [sample.texts.get(role, "") for role in TEXT_ROLES]
            parts += [*texts, edit_type(sample.attributes), edit_info(sample), self.checkpoint.settings.prompt_style]
            parts += [weights_digest(self.checkpoint.folder)]
        if name == "mu":
            parts += [file_digest(self.checkpoint.flow_folder / "flow.pt")]
        return content_key(*parts)

    @cached_property
    def _front_end_digest(self) -> str:
        """Of what encodes: the small front end's file, or the tokenisers' and the speaker encoder's."""
        from tunesmith.families.step_audio.small import TENSORS

        small = self.checkpoint.folder / TENSORS
        if small.is_file():
            return file_digest(small)
        files = [
            *tokenizer_files(self.checkpoint.folder, self.checkpoint.settings.tokenizer_path),
            *sorted(self.checkpoint.flow_folder.glob("*.onnx")),
        ]
        return content_key(*(f"{file.name} {ends_digest(file)}" for file in files))

    @contextmanager
    def encoder(self, device: str = "cpu") -> Iterator[Encoder]:
        """Tokenisers, speaker encoder and the flow's own encoder, alive for the length of the block."""
        encoder = self.make_encoder(device)
        try:
            yield encoder
        finally:
            encoder.close()

    def make_encoder(self, device: str) -> StepAudioEncoder:
        """The encoder by itself; the caller closes it."""
        from tunesmith.families.step_audio.encoder import StepAudioEncoder
        from tunesmith.families.step_audio.frontend import open_front_end

        front_end = open_front_end(
            self.checkpoint.folder,
            self.checkpoint.flow_folder,
            self.checkpoint.ids,
            self.checkpoint.settings.tokenizer_path,
            device,
        )
        return StepAudioEncoder(
            self.checkpoint.folder,
            self.checkpoint.ids,
            self.checkpoint.settings,
            front_end,
            self.checkpoint.flow_folder / "flow.pt",
            device,
        )
