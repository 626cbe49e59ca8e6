"""Silero's network for voice activity: where somebody speaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith.ears.catalogue import SILERO
from tunesmith.ears.installed import file_digest, is_installed, lacks_library, weights_of
from tunesmith.ears.onnx import session

FILES = {
    "silero_vad_16k_op15.onnx": "7ed98ddbad84ccac4cd0aeb3099049280713df825c610a8ed34543318f1b2c49",
    "silero_vad.onnx": "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3",
}
"""The networks that are known, by SHA-256: those of the package silero-vad 6 (MIT)."""
RATE, WINDOW = 16_000, 512
"""Hz, and how many samples are heard at once."""
_CONTEXT, _STATE = 64, (2, 1, 128)


class SpeechDetector:
    """How likely speech is, window by window, by one network."""

    def __init__(self, network: Any) -> None:
        self._network = network

    def probabilities(self, windows: Iterable[np.ndarray]) -> Iterator[float]:
        """How likely speech is in every 32 ms: windows of (512,) float32 at 16 kHz, in their order."""
        state = np.zeros(_STATE, np.float32)
        context = np.zeros(_CONTEXT, np.float32)
        rate = np.array(RATE, np.int64)
        for window in windows:
            samples = np.concatenate([context, window])[None]
            probability, state = self._network.run(None, {"input": samples, "state": state, "sr": rate})
            context = window[-_CONTEXT:]
            yield float(probability.reshape(-1)[0])


def speech_detector() -> SpeechDetector | None:
    """Silero's network: the installed ear, else that of its own package; ``None`` where neither can be used.

    The package is read from its files without importing it.

    Raises:
        TunesmithError: when the ear is installed and damaged.
    """
    if lacks_library(SILERO):
        return None
    if is_installed(SILERO):
        return _detector(weights_of(SILERO) / next(iter(FILES)))
    package = find_spec("silero_vad")
    for folder in (package.submodule_search_locations or ()) if package else ():
        for name, digest in FILES.items():
            path = Path(folder) / "data" / name
            if path.is_file() and file_digest(path) == digest:
                return _detector(path)
    return None


@lru_cache(maxsize=2)
def _detector(path: Path) -> SpeechDetector:
    return SpeechDetector(session(path))
