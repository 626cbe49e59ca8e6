"""Text to T5 states and audio to codec tokens: one function each, used by encoding and by generation alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from tunesmith.audio.stream import SoundStream
from tunesmith.families.musicgen.codec_pieces import PieceEncoder, is_divisible
from tunesmith.families.musicgen.config import MAX_TEXT_TOKENS, MusicGenConfig

PIECE_SECONDS = 30.0
"""Long tracks go through the codec in pieces of what the language model was trained on; they give what the whole would
(:mod:`~tunesmith.families.musicgen.codec_pieces`)."""


@torch.no_grad()
def text_states(encoder: Any, tokenizer: Any, texts: list[str]) -> list[np.ndarray]:
    """T5 states per text, each (L, D) float32 without padding: the text alone decides them, not its neighbours."""
    states = []
    for text in texts:
        tokens = tokenizer(text, truncation=True, max_length=MAX_TEXT_TOKENS, return_tensors="pt").to(encoder.device)
        output = encoder(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"])
        states.append(output.last_hidden_state[0].float().cpu().numpy())
    return states


def audio_codes(codec: Any, config: MusicGenConfig, audio_CN: np.ndarray) -> np.ndarray:
    """Codec tokens (K, T) uint16 of one unpadded clip (C, N) at the model's rate; T = floor(N / hop).

    Every channel goes through the mono codec; codebooks are interleaved by channel (L1, R1, L2, R2, …) as in stereo
    MusicGen.
    """
    return stream_codes(codec, config, SoundStream([audio_CN]))


@torch.no_grad()
def stream_codes(codec: Any, config: MusicGenConfig, sound: SoundStream) -> np.ndarray:
    """:func:`audio_codes` of a clip that is read piece by piece; what is held of it does not grow with its length."""
    piece = max(1, int(PIECE_SECONDS * config.frame_rate))
    if not is_divisible(codec) or not sound.holds((piece + 1) * config.hop):
        return _whole_codes(codec, config, sound.take(0))
    bandwidth = codec.config.target_bandwidths[-1]
    parts = [
        _interleaved(codec.quantizer.encode(embeddings_CDT, bandwidth), config)
        for embeddings_CDT in PieceEncoder(codec, config.hop).embeddings(sound, piece)
    ]
    return np.concatenate(parts, axis=1)[:, : config.frames(sound.decoded)]


def _whole_codes(codec: Any, config: MusicGenConfig, audio_CN: np.ndarray) -> np.ndarray:
    audio = torch.from_numpy(np.ascontiguousarray(audio_CN, dtype=np.float32))
    device, bandwidth = next(codec.parameters()).device, codec.config.target_bandwidths[-1]
    encoded = codec.encode(audio[:, None].to(device), bandwidth=bandwidth).audio_codes
    return _interleaved(encoded[0].transpose(0, 1), config)[:, : config.frames(audio_CN.shape[-1])]


def _interleaved(codes_KCT: torch.Tensor, config: MusicGenConfig) -> np.ndarray:
    """Codes (K, T) uint16 of all channels, K counted over them, from those of each channel."""
    codes: np.ndarray = codes_KCT[: config.codebooks_per_channel].cpu().numpy()
    return codes.reshape(config.num_codebooks, -1).astype(np.uint16)


@torch.no_grad()
def decode_codes(codec: Any, config: MusicGenConfig, codes_KT: np.ndarray) -> np.ndarray:
    """Audio (C, N) float32 from codec tokens (K, T); N = T * hop."""
    device = next(codec.parameters()).device
    per_channel = (
        codes_KT.astype(np.int64).reshape(config.codebooks_per_channel, config.channels, -1).transpose(1, 0, 2)
    )
    audio = codec.decode(torch.from_numpy(per_channel.copy())[None].to(device), [None]).audio_values[:, 0]
    samples: np.ndarray = audio[:, : codes_KT.shape[1] * config.hop].float().cpu().numpy()
    return samples
