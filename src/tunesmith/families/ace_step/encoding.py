"""What is encoded once per song: latents, states of its tags, lyric ids, and features if asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from tunesmith.data.content import audio_key, content_key, file_digest, weights_digest
from tunesmith.data.fields import FieldSpec
from tunesmith.data.sample import SPEAKER, Sample
from tunesmith.families.ace_step.checkpoint import AceStepCheckpoint
from tunesmith.families.ace_step.config import DCAE, TEXT, VOCODER
from tunesmith.families.contract import Encoder, Encoding

ENCODING_VERSION = 1
"""Raised when the front end changes, so that older cache entries are not used."""
LYRICS_VERSION = 2
"""The same for what is read out of lyrics; 2 takes ``Verse 1:`` and ``(Chorus)`` for structure."""
SSL_RATES = {"mert": 374 / 5, "m-hubert": 1499 / 30}
"""Features per second, as the two models give them for their own pieces of 5 and 30 s."""


class AceStepEncoding(Encoding):
    """The whole song's latents, its texts, and what the projection losses compare."""

    def __init__(self, checkpoint: AceStepCheckpoint) -> None:
        self.checkpoint = checkpoint

    def fields(self) -> tuple[FieldSpec, ...]:
        """Latents (C, H, T) of the whole song, states of every text, lyric ids with their sections, speaker vector."""
        rates = {name: SSL_RATES.get(name, 50.0) for name in self.checkpoint.ssl_names}
        return (
            FieldSpec("latents", "<f2", time_axis=2, rate=self.checkpoint.config.frame_rate),
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
            from tunesmith.families.ace_step.tag_texts import all_texts

            texts, orders = all_texts(
                sample.texts.get("caption", ""), sample.attributes, self.checkpoint.settings.tag_orders
            )
            return content_key(self._digest(TEXT), name, orders, *texts)
        if name in ("lyrics", "lyric_sections"):
            return content_key(LYRICS_VERSION, name, *self._lyrics_key(sample))
        if name == "speaker":
            path = str(sample.attributes.get(SPEAKER) or "")
            return content_key(
                name, self.checkpoint.config.transformer.speaker_embedding_dim, file_digest(Path(path)) if path else ""
            )
        return content_key(
            ENCODING_VERSION, name, *self.checkpoint.settings.ssl_models, audio_key(sample.audios["audio"])
        )

    def _lyrics_key(self, sample: Sample) -> tuple[str, ...]:
        text = sample.texts.get("lyrics", "")
        if not text.strip():
            return ("",)
        from tunesmith.families.ace_step.encoder import language_of

        return (text, language_of(sample, self.checkpoint.settings), self._vocabulary_digest)

    @cached_property
    def _vocabulary_digest(self) -> str:
        from tunesmith.families.ace_step.lyrics.vocabulary import locate_vocabulary

        return file_digest(locate_vocabulary(self.checkpoint.settings.lyric_vocabulary, self.checkpoint.folder))

    def _digest(self, *parts: str) -> str:
        return content_key(ENCODING_VERSION, *(weights_digest(self.checkpoint.folder / part) for part in parts))

    @contextmanager
    def encoder(self, device: str = "cpu") -> Iterator[Encoder]:
        """Codec, UMT5 and lyric tokeniser, alive for the length of the block."""
        from tunesmith.families.ace_step.encoder import AceStepEncoder

        encoder = AceStepEncoder(self.checkpoint.folder, self.checkpoint.config, self.checkpoint.settings, device)
        try:
            yield encoder
        finally:
            encoder.close()
