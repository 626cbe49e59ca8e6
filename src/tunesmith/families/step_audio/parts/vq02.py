"""The linguistic tokeniser (vq02): Paraformer's streaming encoder, then the nearest of 1,024 centroids per 60 ms.

The encoder sees 240 ms at a time even for a whole file, and its codes depend on that; so it does here.

Dither is 0. The original adds one step of 16-bit noise to every sample, so that the same file gets other codes each
time (about one in 25): what is cached could not be compared with what is encoded again.

Source: ``tokenizer.py`` of Step-Audio-EditX, and of the FunASR in it ``paraformer_streaming/model.py``,
``wav_frontend.py`` and ``scama/encoder.py``.

Shapes: N samples, F filterbank frames (10 ms), M mel bins, T frames (60 ms), L = M * lfr_m, C chunks, W frames of a
chunk with its overlap, D width, K centroids.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from tunesmith.families.step_audio.config import Vq02Config
from tunesmith.families.step_audio.parts.fbank import INT16_SCALE, kaldi_fbank
from tunesmith.families.step_audio.parts.kmeans import nearest
from tunesmith.families.step_audio.parts.sanm import NORM_EPSILON, Chunks, SanmLayer

CHUNKS_AT_ONCE = 256
"""Chunks that go through the encoder together (61 s)."""
_SLOWEST_PERIOD = 10_000.0
_INT32_PEAK, _LOWER_BITS = 0x7FFFFFFF, 16


class Vq02Encoder(nn.Module):
    """The encoder under FunASR's names (without their ``encoder.``).

    Args:
        config: Its sizes.
    """

    def __init__(self, config: Vq02Config) -> None:
        super().__init__()
        self.config = config
        features, width = config.n_mels * config.lfr_m, config.output_size
        self.encoders0 = nn.ModuleList([SanmLayer(features, config)])
        self.encoders = nn.ModuleList(SanmLayer(width, config) for _ in range(config.num_blocks - 1))
        self.after_norm = nn.LayerNorm(width, eps=NORM_EPSILON)

    def forward(self, features_TL: torch.Tensor) -> torch.Tensor:
        """Hidden frames (T, D) of normalised features (T, L); every frame attends to its chunk and what went before."""
        frames, chunk = len(features_TL), self.config.chunk_size[1]
        if not frames:
            return features_TL.new_zeros((0, self.config.output_size))
        scaled_TL = features_TL * self.config.output_size**0.5
        x_CWL, valid_CW = self._overlapping(scaled_TL + positions(*features_TL.shape).to(features_TL))
        parts: list[torch.Tensor] = []
        carried: list[torch.Tensor] = []
        for first in range(0, len(x_CWL), CHUNKS_AT_ONCE):
            x: torch.Tensor = x_CWL[first : first + CHUNKS_AT_ONCE]
            chunks = self._chunks(valid_CW[first : first + CHUNKS_AT_ONCE], first, carried)
            for layer in (*self.encoders0, *self.encoders):
                x = layer(x, chunks)
            carried = chunks.left
            parts.append(self.after_norm(x)[:, -chunk:].flatten(0, 1))
        return torch.cat(parts)[:frames]

    def _overlapping(self, x_TL: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Chunks (C, W, L), each behind the end of the one before, and what of them (C, W) lies before the end.

        Before the first there is silence (zeros).
        """
        before, chunk, ahead = self.config.chunk_size
        overlap = before + ahead
        frames, count = len(x_TL), -(-len(x_TL) // chunk)
        padded_TL = F.pad(x_TL, (0, 0, overlap, count * chunk - frames))
        x_CWL = padded_TL.unfold(0, overlap + chunk, chunk).transpose(1, 2)
        places_C1 = torch.arange(count, device=x_TL.device)[:, None]
        return x_CWL, places_C1 * chunk + torch.arange(overlap + chunk, device=x_TL.device) < overlap + frames

    def _chunks(self, valid_CW: torch.Tensor, first: int, carried: list[torch.Tensor]) -> Chunks:
        """What chunks from number ``first`` on look at, with what those before them left."""
        before, chunk, _ = self.config.chunk_size
        # What is kept of a chunk ends where its look-ahead begins, before the frames that it is asked for.
        kept, past = before + chunk, self.config.encoder_chunk_look_back * chunk
        device = valid_CW.device
        past_CP = torch.arange(len(valid_CW), device=device)[:, None] * kept + torch.arange(past, device=device)
        return Chunks(valid_CW, kept, past_CP, past_CP + first * kept >= past, iter(carried))


class Vq02:
    """Audio to linguistic codes.

    Args:
        encoder: With its weights.
        cmvn_2L: Shift and scale of the features.
        centroids_KD: One row per code.
    """

    def __init__(self, encoder: Vq02Encoder, cmvn_2L: torch.Tensor, centroids_KD: torch.Tensor) -> None:
        self.encoder, self.cmvn_2L, self.centroids_KD = encoder, cmvn_2L, centroids_KD

    def features(self, wave_N: torch.Tensor) -> torch.Tensor:
        """Normalised features (T, L) of mono audio at 16 kHz within ±1.

        Audio that fills no whole chunk at the end counts if it is at least 55 ms long; less is left out, as in the
        original. T is 0 for audio shorter than that.
        """
        config = self.encoder.config
        fbank_FM = kaldi_fbank(wave_N, n_mels=config.n_mels, window="hamming", scale=INT16_SCALE)
        return (stacked(fbank_FM, config) + self.cmvn_2L[0]) * self.cmvn_2L[1]

    @torch.inference_mode()
    def codes(self, wave_N: np.ndarray | torch.Tensor) -> np.ndarray:
        """Codes (T,) int64 of mono audio at 16 kHz within ±1, 16.67 a second."""
        wave = as_pcm16(torch.as_tensor(wave_N, dtype=torch.float32).cpu())
        hidden_TD = self.encoder(self.features(wave))
        codes: np.ndarray = nearest(hidden_TD, self.centroids_KD).numpy()
        return codes


def stacked(fbank_FM: torch.Tensor, config: Vq02Config) -> torch.Tensor:
    """Low-frame-rate features (T, L): ``lfr_m`` frames side by side every ``lfr_n``, as streaming gives them.

    The first frame is repeated before the start so that the first stack is centred on it, and the last one after the
    end. T is that of the whole chunks, plus what the rest gives where it and the frames carried over fill a stack.
    """
    per_stack, step = config.lfr_m, config.lfr_n
    left = (per_stack - 1) // 2
    per_chunk = config.chunk_size[1] * step
    # A chunk is complete once its last stack is, and the stack's right context holds the look-ahead of `left` frames.
    complete = max(0, len(fbank_FM) + left - (per_stack - step)) // per_chunk
    rest = len(fbank_FM) + left - complete * per_chunk
    count = complete * config.chunk_size[1] + (math.ceil((rest - left) / step) if rest >= per_stack else 0)
    if not count:
        return fbank_FM.new_zeros((0, per_stack * fbank_FM.shape[1]))
    padded = torch.cat((fbank_FM[:1].expand(left, -1), fbank_FM))
    missing = max(0, (count - 1) * step + per_stack - len(padded))
    padded = torch.cat((padded, padded[-1:].expand(missing, -1)))
    return padded.unfold(0, per_stack, step)[:count].transpose(1, 2).flatten(1)


def positions(frames: int, width: int) -> torch.Tensor:
    """Sinusoidal positions (T, L) from 1 on: sines in the first half, cosines in the second."""
    slowness = math.log(_SLOWEST_PERIOD) / (width / 2 - 1)
    speeds = torch.exp(torch.arange(width // 2) * -slowness)
    angles = torch.arange(1, frames + 1)[:, None] * speeds
    return torch.cat((angles.sin(), angles.cos()), dim=1)


def as_pcm16(wave_N: torch.Tensor) -> torch.Tensor:
    """Audio as a 16-bit file holds it, the form in which the original hands it to this tokeniser."""
    samples = (wave_N.float() * float(_INT32_PEAK)).double().round().clamp(-_INT32_PEAK - 1, _INT32_PEAK)
    return (samples.long() >> _LOWER_BITS).float() / INT16_SCALE
