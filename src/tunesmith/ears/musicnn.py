"""musicnn: three seconds of music to a vector of 200 numbers, of which its 50 tags would be told (they are not used).

Source: Pons & Serra 2019, "musicnn: Pre-trained convolutional neural networks for music audio tagging"; weights of the
package musicnn, learnt on the MagnaTagATune data set, whose front end this is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tunesmith.ears.catalogue import MUSICNN, install_command
from tunesmith.ears.installed import is_usable, weights_of
from tunesmith.ears.tensor_bundle import read_tensors
from tunesmith.errors import TunesmithError
from tunesmith.texts import msg

if TYPE_CHECKING:
    import torch

RATE, WINDOW = 16_000, 187
"""Hz, and how many frames of 16 ms are heard at once."""
INDEX, NUMBERS = "checkpoint.index", "checkpoint.data"
_FFT, _HOP, _MELS, _GAIN = 512, 256, 96, 10_000
_FRONT, _MIDDLE = 5, 3
"""Convolutions over the spectrum, side by side, and those after them, each added to the one before."""
_EPSILON = 1e-3
_AT_ONCE = 8


class MusicEar:
    """The network of an installed ear.

    Raises:
        TunesmithError: when it is not installed, or its weights are damaged.
    """

    def __init__(self) -> None:
        import torch

        folder = weights_of(MUSICNN)
        try:
            found = read_tensors(folder / INDEX, folder / NUMBERS, lambda name: "/Adam" not in name)
            self._weights = {name: torch.from_numpy(value.copy()) for name, value in found.items()}
            self._front = [self._convolution(number) for number in range(_FRONT)]
            self._middle = [self._convolution(_FRONT + number) for number in range(_MIDDLE)]
        except (ValueError, KeyError) as error:
            raise TunesmithError(
                msg("these weights cannot be read ({reason})", reason=type(error).__name__),
                where=str(folder),
                remedy=msg("Run: {command}", command=install_command(MUSICNN)),
            ) from error

    def embed(self, samples: np.ndarray) -> NDArray[np.float64]:
        """One vector for every whole window of three seconds.

        Args:
            samples: (N,) float at 16 kHz, full scale ±1.

        Returns:
            (windows, 200); none under three seconds.
        """
        import torch

        mel_TM = torch.from_numpy(log_mel(samples))
        windows = mel_TM[: len(mel_TM) // WINDOW * WINDOW].reshape(-1, WINDOW, _MELS)
        made = [torch.zeros(0, len(self._weights["dense/bias"]))]
        with torch.no_grad():
            made += [self.forward(batch) for batch in windows.split(_AT_ONCE)] if len(windows) else []
        vectors: NDArray[np.float64] = torch.cat(made).double().numpy()
        return vectors

    def windows(self, audio: np.ndarray, rate: int) -> NDArray[np.float64]:
        """The same of any sound: (N,) or (N, C) at ``rate`` Hz."""
        from tunesmith.audio.resample import resample

        mono = np.nan_to_num(audio.mean(axis=1) if audio.ndim == 2 else audio).astype(np.float32)
        return self.embed(resample(mono[None], rate, RATE)[0])

    def forward(self, mel_BTM: torch.Tensor) -> torch.Tensor:
        """Vectors (B, 200) of log mel energies."""
        import torch

        plain_B1TM = self._normalised(mel_BTM[:, None], 0)
        front = [self._convolved(plain_B1TM, *weights, 1 + n).amax(dim=3) for n, weights in enumerate(self._front)]
        layers_BCT = [torch.cat(front, dim=1)]
        for number, weights in enumerate(self._middle):
            along_B1TC = layers_BCT[-1].transpose(1, 2)[:, None]
            made = self._convolved(along_B1TC, *weights, 1 + _FRONT + number)[..., 0]
            layers_BCT.append(made + layers_BCT[-1] if number else made)
        all_BCT = torch.cat(layers_BCT, dim=1)
        pooled = torch.stack([all_BCT.amax(dim=2), all_BCT.mean(dim=2)], dim=2).flatten(1)
        before = self._normalised(pooled, 1 + _FRONT + _MIDDLE)
        hidden = torch.relu(before @ self._weights["dense/kernel"] + self._weights["dense/bias"])
        return self._normalised(hidden, 2 + _FRONT + _MIDDLE)

    def _convolution(self, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        name = _numbered("conv2d", number)
        return self._weights[f"{name}/kernel"].permute(3, 2, 0, 1).contiguous(), self._weights[f"{name}/bias"]

    def _convolved(self, x: torch.Tensor, kernel: torch.Tensor, bias: torch.Tensor, normal: int) -> torch.Tensor:
        """As many frames as there were: an even kernel reaches one frame further ahead than back."""
        import torch

        reach = kernel.shape[2] - 1
        padded = torch.nn.functional.pad(x, (0, 0, reach // 2, reach - reach // 2))
        return self._normalised(torch.relu(torch.nn.functional.conv2d(padded, kernel, bias)), normal)

    def _normalised(self, x: torch.Tensor, number: int) -> torch.Tensor:
        import torch

        name = _numbered("batch_normalization", number)
        mean, variance, gamma, beta = (
            self._weights[f"{name}/{part}"] for part in ("moving_mean", "moving_variance", "gamma", "beta")
        )
        return torch.nn.functional.batch_norm(x, mean, variance, gamma, beta, eps=_EPSILON)


def music_ear() -> MusicEar | None:
    """The installed ear; ``None`` where there is none.

    Raises:
        TunesmithError: when it is damaged.
    """
    return MusicEar() if is_usable(MUSICNN) else None


def log_mel(samples: np.ndarray) -> NDArray[np.float32]:
    """Compressed mel energies (T, 96) of samples (N,) at 16 kHz: frames of 32 ms, one every 16 ms."""
    import torch

    from tunesmith.ears.mel import mel_energies

    energies: NDArray[np.float32] = torch.log10(_GAIN * mel_energies(samples, RATE, _FFT, _HOP, _MELS) + 1).numpy()
    return energies


def _numbered(name: str, number: int) -> str:
    return f"{name}_{number}" if number else name
