"""The checkpoint's own speaker encoder, as the evaluation of speech uses it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tunesmith.families.step_audio.config import SPEAKER_FILE, TOKENIZER_RATE
from tunesmith.families.step_audio.small import SETTINGS

if TYPE_CHECKING:
    from tunesmith.families.step_audio.parts.campplus import CamPlus

SpeakerTool = tuple[Callable[[np.ndarray, int], np.ndarray], str]


@lru_cache(maxsize=4)
def speaker_tool(folder: Path, flow: Path, width: int) -> SpeakerTool | None:
    """A function of mono samples (N,) and their rate to a speaker vector, and its name; ``None`` where there is none.

    The pocket model has none that tells unknown voices apart well enough to judge by.

    Args:
        folder: The checkpoint.
        flow: Its flow's folder.
        width: Of the vector, as the flow takes it.
    """
    file = flow / SPEAKER_FILE
    if (folder / SETTINGS).is_file() or not file.is_file() or find_spec("onnxruntime") is None:
        return None

    def vector(samples: np.ndarray, rate: int) -> np.ndarray:
        import soxr

        return _loaded(file, width).vector(soxr.resample(np.asarray(samples, np.float32), rate, TOKENIZER_RATE))

    return vector, "CAM++"


@lru_cache(maxsize=4)
def _loaded(file: Path, width: int) -> CamPlus:
    from tunesmith.families.step_audio.parts.campplus import CamPlus

    return CamPlus(file, width)
