"""The frozen half of MusicGen while clips are encoded: T5 and EnCodec, each loaded only when first needed."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith.data.sample import Sample
from tunesmith.families.contract import Encoder
from tunesmith.families.musicgen.config import MusicGenConfig


class MusicGenEncoder(Encoder):
    """Encodes clips one by one, unpadded."""

    def __init__(self, folder: Path, config: MusicGenConfig, device: str) -> None:
        self.folder, self.config, self.device = folder, config, device

    @cached_property
    def text(self) -> tuple[Any, Any]:
        """T5 and its tokenizer."""
        from tunesmith.families.musicgen.weights import load_text_encoder

        encoder, tokenizer = load_text_encoder(self.folder, self.config)
        return encoder.to(self.device), tokenizer

    @cached_property
    def codec(self) -> Any:
        """EnCodec."""
        from tunesmith.families.musicgen.weights import load_codec

        return load_codec(self.folder, self.config).to(self.device)

    def encode(self, sample: Sample, fields: Sequence[str]) -> dict[str, np.ndarray]:
        """Codes (K, T) uint16 and text states (L, D) float32, as far as asked for."""
        from tunesmith.data.load import open_stream
        from tunesmith.families.musicgen.frontend import stream_codes, text_states

        encoded: dict[str, np.ndarray] = {}
        if "codes" in fields:
            with open_stream(sample.audios["audio"], self.config.sample_rate, self.config.channels) as sound:
                encoded["codes"] = stream_codes(self.codec, self.config, sound)
        if "text" in fields:
            encoded["text"] = text_states(*self.text, [sample.texts["caption"]])[0]
        return encoded

    def round_trip(self, audio_CN: np.ndarray) -> np.ndarray:
        """Audio (C, T·hop) after encoding and decoding: the best that any adapter on this model can sound."""
        from tunesmith.families.musicgen.frontend import audio_codes, decode_codes

        return decode_codes(self.codec, self.config, audio_codes(self.codec, self.config, audio_CN))

    def close(self) -> None:
        """Free the weights."""
        for name in ("text", "codec"):
            self.__dict__.pop(name, None)
        gc.collect()
