"""The frozen half of ACE-Step while clips are encoded: codec, text encoder, lyric tokens, SSL models if asked."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tunesmith.data.load import load, open_stream
from tunesmith.data.sample import SPEAKER, Sample
from tunesmith.errors import TunesmithError
from tunesmith.families.ace_step.collate import NO_LYRICS
from tunesmith.families.ace_step.config import SAMPLE_RATE, AceStepConfig
from tunesmith.families.ace_step.lyrics.languages import marked_language
from tunesmith.families.ace_step.settings import AceStepSettings
from tunesmith.families.ace_step.tag_texts import all_texts
from tunesmith.families.contract import Encoder
from tunesmith.texts import msg

if TYPE_CHECKING:
    from tunesmith.families.ace_step.lyrics.tokenizer import LyricTokenizer
    from tunesmith.families.ace_step.lyrics.tokens import LyricTokens
    from tunesmith.families.ace_step.parts.codec import MusicCodec
    from tunesmith.families.ace_step.parts.ssl import SslModels
    from tunesmith.families.ace_step.parts.text_encoder import TextEncoder


class AceStepEncoder(Encoder):
    """Encodes clips one by one, whole and unpadded; every part is loaded when it is first needed."""

    def __init__(self, folder: Path, config: AceStepConfig, settings: AceStepSettings, device: str) -> None:
        self.folder, self.config, self.settings, self.device = folder, config, settings, device

    @cached_property
    def codec(self) -> MusicCodec:
        """The codec."""
        from tunesmith.families.ace_step.parts.codec import MusicCodec

        return MusicCodec(self.folder, self.config, self.device)

    @cached_property
    def text(self) -> TextEncoder:
        """The text encoder."""
        from tunesmith.families.ace_step.parts.text_encoder import TextEncoder

        return TextEncoder(self.folder, self.config, self.device)

    @cached_property
    def _ssl(self) -> SslModels:
        from tunesmith.families.ace_step.parts.ssl import SslModels

        return SslModels(self.settings.ssl_models, self.device)

    @cached_property
    def _lyrics(self) -> LyricTokenizer:
        return lyric_tokenizer(self.folder, self.settings)

    def encode(self, sample: Sample, fields: Sequence[str]) -> dict[str, np.ndarray]:
        """The fields asked for, as :meth:`AceStepFamily.fields` describes them."""
        encoded: dict[str, np.ndarray] = {}
        ssl_names = self.config.transformer.ssl_names
        if "latents" in fields:
            with open_stream(sample.audios["audio"], SAMPLE_RATE, 2) as sound:
                encoded["latents"] = self.codec.encode_stream(sound).numpy()
        if set(ssl_names) & set(fields):
            audio = load(sample.audios["audio"], SAMPLE_RATE, 2)
            encoded |= dict(zip(ssl_names, self._ssl.features(audio), strict=True))
        if {"text", "text_parts"} & set(fields):
            encoded |= text_fields(self.text, sample, self.settings)
        if {"lyrics", "lyric_sections"} & set(fields):
            # Without lyrics no vocabulary is needed, which is not among the weights.
            tokens = lyric_tokens(self._lyrics, sample, self.settings) if has_lyrics(sample) else None
            encoded |= lyric_fields(tokens)
        if "speaker" in fields:
            encoded["speaker"] = speaker_vector(sample, self.config.transformer.speaker_embedding_dim)
        return {name: encoded[name] for name in fields}

    def round_trip(self, audio_CN: np.ndarray) -> np.ndarray:
        """Audio (2, N) after encoding and decoding: the best that any adapter on this model can sound."""
        latents = self.codec.encode(audio_CN)
        (audio,) = self.codec.decode(latents[None], overlapped=self.settings.overlapped_decode)
        return audio[:, : audio_CN.shape[-1]]

    def close(self) -> None:
        """Free the weights."""
        for name in ("codec", "text", "_ssl"):
            part = self.__dict__.pop(name, None)
            if part is not None:
                part.close()


def speaker_vector(sample: Sample, size: int) -> np.ndarray:
    """The clip's speaker vector (S,) from the file that its ``speaker_emb_path`` names; zeros, for none, without one.

    Raises:
        TunesmithError: when the file cannot be read or holds something else.
    """
    path = str(sample.attributes.get(SPEAKER) or "")
    if not path:
        return np.zeros(size, np.float32)
    try:
        vector = np.asarray(np.load(path, allow_pickle=False), np.float32).reshape(-1)
    except (OSError, ValueError, TypeError) as error:
        raise TunesmithError(
            msg("the speaker vector of {clip} cannot be read ({error})", clip=sample.id, error=error),
            where=path,
            remedy=msg("Give a .npy file."),
        ) from error
    if vector.shape != (size,):
        raise TunesmithError(
            msg(
                "the speaker vector of {clip} has {count} numbers, not {expected}",
                clip=sample.id,
                count=len(vector),
                expected=size,
            ),
            where=path,
            remedy=msg("Give one of that many numbers, or none."),
        )
    return vector


def lyric_tokenizer(folder: Path, settings: AceStepSettings) -> LyricTokenizer:
    """The tokeniser of a checkpoint: the one way from lyrics to ids, in training and in use.

    Raises:
        TunesmithError: when its vocabulary is neither here nor can be downloaded.
    """
    from tunesmith.families.ace_step.lyrics.tokenizer import LyricTokenizer
    from tunesmith.families.ace_step.lyrics.vocabulary import locate_vocabulary

    return LyricTokenizer(locate_vocabulary(settings.lyric_vocabulary, folder))


def lyric_tokens(tokenizer: LyricTokenizer, sample: Sample, settings: AceStepSettings) -> LyricTokens:
    """Tokens of a clip's lyrics, in its own ``language`` attribute if it names one."""
    return tokenizer.encode(sample.texts.get("lyrics", ""), language_of(sample, settings))


def language_of(sample: Sample, settings: AceStepSettings) -> str:
    """The clip's own ``language`` attribute where the vocabulary has it, else the recipe's."""
    language = str(sample.attributes.get("language") or "")
    return language if language and marked_language(language.strip()) is not None else settings.language


def has_lyrics(sample: Sample) -> bool:
    """Whether a clip has any lyrics."""
    return bool(sample.texts.get("lyrics", "").strip())


def lyric_fields(tokens: LyricTokens | None) -> dict[str, np.ndarray]:
    """What the cache holds of lyrics: ids (N,), and per section where it begins and how many lines it has (S, 2)."""
    if tokens is None or not tokens.ids:
        return {"lyrics": np.array([NO_LYRICS], np.int32), "lyric_sections": np.zeros((1, 2), np.int32)}
    # Sections beyond the limit keep their lines, so that a crop still finds its place in the song.
    begins = [*tokens.sections, *[len(tokens.ids)] * (len(tokens.section_lines) - len(tokens.sections))]
    sections = list(zip(begins, tokens.section_lines, strict=True)) or [(1, 1)]
    return {"lyrics": np.array(tokens.ids, np.int32), "lyric_sections": np.array(sections, np.int32)}


def text_fields(encoder: TextEncoder, sample: Sample, settings: AceStepSettings) -> dict[str, np.ndarray]:
    """States of every text of a clip, one after another (L, D), and each one's length and kind (V, 2)."""
    texts, orders = all_texts(sample.texts.get("caption", ""), sample.attributes, settings.tag_orders)
    states = encoder.states(texts)
    parts = [(len(text_states), int(index >= orders)) for index, text_states in enumerate(states)]
    return {"text": np.concatenate(states), "text_parts": np.array(parts, np.int32)}
