"""Text to T5 states and audio to codec tokens: one function each, used by encoding and by generation alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from tunesmith.families.musicgen.config import MAX_TEXT_TOKENS, MusicGenConfig

CHUNK_SECONDS, CONTEXT_SECONDS = 30.0, 1.0
"""Long tracks go through the codec in windows of 30 s (what the language model was trained on) with a second of real
audio on either side, because EnCodec's convolutions and LSTM look both ways."""


@torch.no_grad()
def text_states(encoder: Any, tokenizer: Any, texts: list[str]) -> list[np.ndarray]:
    """T5 states per text, each (L, D) float32 without padding: the text alone decides them, not its neighbours."""
    states = []
    for text in texts:
        tokens = tokenizer(text, truncation=True, max_length=MAX_TEXT_TOKENS, return_tensors="pt").to(encoder.device)
        output = encoder(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"])
        states.append(output.last_hidden_state[0].float().cpu().numpy())
    return states


@torch.no_grad()
def audio_codes(codec: Any, config: MusicGenConfig, audio_CN: np.ndarray) -> np.ndarray:
    """Codec tokens (K, T) uint16 of one unpadded clip (C, N) at the model's rate; T = floor(N / hop).

    Every channel goes through the mono codec; codebooks are interleaved by channel (L1, R1, L2, R2, …) as in stereo
    MusicGen.
    """
    frames = config.frames(audio_CN.shape[-1])
    chunk = max(1, int(CHUNK_SECONDS * config.frame_rate))
    context = max(1, int(CONTEXT_SECONDS * config.frame_rate))
    parts = []
    for start in range(0, frames, chunk):
        end = min(frames, start + chunk)
        first = max(0, start - context)
        last = audio_CN.shape[-1] if end == frames else min(frames, end + context) * config.hop
        window = torch.from_numpy(np.ascontiguousarray(audio_CN[:, first * config.hop : last], dtype=np.float32))
        parts.append(_window_codes(codec, config, window)[:, start - first : end - first])
    return np.concatenate(parts, axis=1).astype(np.uint16)


def _window_codes(codec: Any, config: MusicGenConfig, window_CN: torch.Tensor) -> np.ndarray:
    device = next(codec.parameters()).device
    bandwidth = codec.config.target_bandwidths[-1]
    encoded = codec.encode(window_CN[:, None].to(device), bandwidth=bandwidth).audio_codes
    codes_CKT = encoded[0, :, : config.codebooks_per_channel].cpu().numpy()
    codes: np.ndarray = codes_CKT.transpose(1, 0, 2).reshape(config.num_codebooks, -1)
    return codes


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
