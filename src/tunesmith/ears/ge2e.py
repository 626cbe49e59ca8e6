"""The GE2E speaker encoder: speech to a vector whose cosine tells voices apart.

Source: Wan et al. 2018, "Generalized End-to-End Loss for Speaker Verification"; weights of the package resemblyzer,
whose front end and windows these are.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tunesmith.ears.catalogue import GE2E, install_command
from tunesmith.ears.installed import weights_of
from tunesmith.errors import TunesmithError
from tunesmith.texts import msg

if TYPE_CHECKING:
    import torch

RATE = 16_000
_FILE, _STATE = "pretrained.pt", "model_state"
_FFT, _HOP, _MELS = 400, 160, 40
_WINDOW, _STEP, _COVERED = 160, 77, 0.75
"""Frames of 10 ms that are heard at once and from one window to the next; the share that the last one must cover."""
_LAYERS, _AT_ONCE = 3, 64
_QUIETEST, _TAKEN_OFF, _LEFT = 0.05, 1.5, 0.01
"""The share of frames that tell the noise, how many times it is taken off, and what is left of a frame at least."""


class SpeakerEncoder:
    """Three layers of LSTM over mel energies and a linear one, with the weights of an installed ear."""

    def __init__(self) -> None:
        import torch

        folder = weights_of(GE2E)
        state = _state(folder / _FILE)
        hidden, width = state["lstm.weight_hh_l0"].shape[1], state["linear.weight"].shape[0]
        self._lstm = torch.nn.LSTM(_MELS, hidden, _LAYERS, batch_first=True)
        self._linear = torch.nn.Linear(hidden, width)
        for name, module in (("lstm", self._lstm), ("linear", self._linear)):
            module.load_state_dict({key.partition(".")[2]: v for key, v in state.items() if key.startswith(f"{name}.")})
            module.requires_grad_(False).eval()

    def embed(self, samples: np.ndarray, noise: np.ndarray | None = None) -> np.ndarray:
        """A speaker vector.

        Args:
            samples: (N,) float at 16 kHz, full scale ±1: speech without long silences.
            noise: Mel energies (40,) of the noise under it, which are taken off; see :func:`steady_noise`.

        Returns:
            (D,) float32 of unit length, none of it negative; the mean over windows of 1.6 s that overlap by half.
        """
        import torch

        starts = window_starts(len(samples))
        padded = np.pad(samples, (0, max(0, (starts[-1] + _WINDOW) * _HOP - len(samples) + 1)))
        mel = torch.from_numpy(without_noise(mel_energies(padded), noise))
        windows = torch.stack([mel[start : start + _WINDOW] for start in starts])
        made = [self._vectors(batch) for batch in windows.split(_AT_ONCE)]
        mean = torch.cat(made).mean(dim=0)
        vector: np.ndarray = (mean / mean.norm().clamp(min=1e-9)).numpy()
        return vector

    def _vectors(self, mel_BTM: torch.Tensor) -> torch.Tensor:
        import torch

        with torch.no_grad():
            _, (hidden, _) = self._lstm(mel_BTM)
            raw = torch.relu(self._linear(hidden[-1]))
        vectors: torch.Tensor = raw / raw.norm(dim=1, keepdim=True).clamp(min=1e-9)
        return vectors


def window_starts(samples: int) -> list[int]:
    """The first frame of every window over so many samples; the last one only where it is mostly filled."""
    frames = -(-(samples + 1) // _HOP)
    starts = list(range(0, max(1, frames - _WINDOW + _STEP + 1), _STEP))
    if len(starts) > 1 and (samples - starts[-1] * _HOP) / (_WINDOW * _HOP) < _COVERED:
        starts.pop()
    return starts


def mel_energies(samples: np.ndarray) -> np.ndarray:
    """Mel energies (T, 40) of samples (N,) at 16 kHz: frames of 25 ms, one every 10 ms; no logarithm is taken."""
    from tunesmith.ears.mel import mel_energies

    energies: np.ndarray = mel_energies(samples, RATE, _FFT, _HOP, _MELS).numpy()
    return energies


def steady_noise(samples: np.ndarray) -> np.ndarray:
    """Mel energies (40,) of the noise under a recording: the mean of its quietest moments that are not digital silence.

    Args:
        samples: (N,) at 16 kHz, with the pauses that speech has, at the level at which its voice is heard.
    """
    energies = mel_energies(samples)
    loudness = energies.sum(axis=1)
    sounding = np.flatnonzero(loudness > 1e-9 * max(float(loudness.max(initial=0.0)), 1e-9))
    count = max(1, round(_QUIETEST * len(sounding)))
    quietest = sounding[np.argsort(loudness[sounding], kind="stable")[:count]]
    noise: np.ndarray = energies[quietest].mean(axis=0) if len(sounding) else np.zeros(_MELS, np.float32)
    return noise


def without_noise(energies: np.ndarray, noise: np.ndarray | None) -> np.ndarray:
    """Energies (T, 40) less those of the noise. The network takes no logarithm, so that they simply add up.

    Source: Boll 1979, "Suppression of Acoustic Noise in Speech Using Spectral Subtraction"; more than once the noise is
    taken off, as in Berouti et al. 1979, for it is not the same at every moment.
    """
    if noise is None:
        return energies
    cleaned: np.ndarray = np.maximum(energies - np.float32(_TAKEN_OFF) * noise, np.float32(_LEFT) * energies)
    return cleaned


def _state(file: Path) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint; nothing in it is run."""
    import pickle

    import torch

    try:
        state: dict[str, torch.Tensor] = torch.load(file, map_location="cpu", weights_only=True)[_STATE]
    except (pickle.UnpicklingError, RuntimeError, KeyError, TypeError) as error:
        raise TunesmithError(
            msg("these weights cannot be read ({reason})", reason=type(error).__name__),
            where=str(file),
            remedy=msg("Run: {command}", command=install_command(GE2E)),
        ) from error
    return state
