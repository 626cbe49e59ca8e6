"""What is encoded once per clip: codec tokens and text states."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

from tunesmith.data.content import audio_key, content_key, weights_digest
from tunesmith.data.fields import FieldSpec
from tunesmith.data.sample import Sample
from tunesmith.families.contract import Encoder, Encoding
from tunesmith.families.musicgen.checkpoint import MusicGenCheckpoint

ENCODING_VERSION = 1
"""Raised when the front end changes, so that older cache entries are not used."""


class MusicGenEncoding(Encoding):
    """Codes of EnCodec and states of T5."""

    def __init__(self, checkpoint: MusicGenCheckpoint) -> None:
        self.checkpoint = checkpoint

    def fields(self) -> tuple[FieldSpec, ...]:
        """Codec tokens (K, T) and T5 states (L, D)."""
        rate = self.checkpoint.config.frame_rate
        return (FieldSpec("codes", "<u2", time_axis=1, rate=rate), FieldSpec("text", "<f4"))

    def field_key(self, sample: Sample, name: str) -> str:
        """Codes depend on the audio's bytes, text states on the caption; both on the weights."""
        if name == "text":
            return content_key(self._weights_key, "text", sample.texts["caption"])
        return content_key(self._weights_key, "codes", audio_key(sample.audios["audio"]))

    @cached_property
    def _weights_key(self) -> str:
        return content_key(ENCODING_VERSION, weights_digest(self.checkpoint.folder))

    @contextmanager
    def encoder(self, device: str = "cpu") -> Iterator[Encoder]:
        """T5 and EnCodec, alive for the length of the block."""
        from tunesmith.families.musicgen.encoder import MusicGenEncoder

        encoder = MusicGenEncoder(self.checkpoint.folder, self.checkpoint.config, device)
        try:
            yield encoder
        finally:
            encoder.close()
