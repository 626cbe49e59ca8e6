"""The speaker vector: CAM++ on Kaldi's filterbank less its mean.

Source: "CAM++: A Fast and Efficient Network for Speaker Verification" (Wang et al. 2023); ``frontend.py`` of CosyVoice.

Shapes: N samples, F frames (10 ms), M mel bins, E width of the vector.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.config import FLOW_FOLDER, LICENCE, REPOSITORY, SPEAKER_FILE
from tunesmith.families.step_audio.parts.fbank import FRAME, RATE, kaldi_fbank, subtract_mean
from tunesmith.families.step_audio.parts.onnx import THREADS, OnnxFile, OnnxSession
from tunesmith.texts import msg

PUBLISHED = OnnxFile(msg("The speaker encoder CAM++"), REPOSITORY, f"{FLOW_FOLDER}/{SPEAKER_FILE}", "28 MB", LICENCE)
MEL_BINS = 80


class CamPlus:
    """Audio to a speaker vector.

    Args:
        file: :data:`~tunesmith.families.step_audio.config.SPEAKER_FILE`.
        width: Of the vector, as the flow takes it (192).
        threads: Threads inside one operation.

    Raises:
        TunesmithError: as :class:`~tunesmith.families.step_audio.parts.onnx.OnnxSession`.
    """

    def __init__(self, file: Path, width: int, threads: int = THREADS) -> None:
        self.width = width
        self._session = OnnxSession(file, PUBLISHED, inputs=1, threads=threads)

    def vector(self, wave_N: np.ndarray | torch.Tensor) -> np.ndarray:
        """The vector (E,) float32 of mono audio at 16 kHz within ±1, of any length; the flow normalises it.

        Raises:
            TunesmithError: when the audio is shorter than one frame (25 ms), or the vector is of another width.
        """
        wave = torch.as_tensor(wave_N, dtype=torch.float32).cpu()
        if len(wave) < FRAME:
            raise TunesmithError(
                msg(
                    "a speaker vector needs {shortest} ms of audio, this has {duration:.0f} ms",
                    shortest=1000 * FRAME // RATE,
                    duration=1000 * len(wave) / RATE,
                ),
                remedy=msg("Use a longer prompt, of three seconds or more."),
            )
        features_1FM = subtract_mean(kaldi_fbank(wave, n_mels=MEL_BINS, window="povey"))[None].numpy()
        vector = self._session(features_1FM)[0].ravel().astype(np.float32)
        if len(vector) != self.width:
            raise TunesmithError(
                msg(
                    "the speaker vector has {count} numbers, the flow takes {width}",
                    count=len(vector),
                    width=self.width,
                ),
                where=str(self._session.file),
                remedy=msg("Use the {file} of {repository}.", file=SPEAKER_FILE, repository=REPOSITORY),
            )
        return vector
