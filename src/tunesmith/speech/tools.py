"""What a family that speaks adds to the contract.

Its samples have the audios ``prompt`` (the voice, or what is to be edited) and, last in the family's ``audio_roles``,
the true result; the texts ``caption`` (what to say) and ``prompt_text``; and the attributes ``edit_type`` (cloning
where it is missing), ``edit_info`` and ``speaker_id``. A request for speech has ``prompt`` in its source, both texts,
and ``edit_type`` and ``edit_info`` in its options.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class SpeechTools:
    """What the evaluation of a speaking family needs of it.

    Attributes:
        voice: Mono samples (N,) and their rate to a vector whose cosine tells voices apart; ``None`` where the model's
            own is not there, so that MFCC statistics stand in.
        voice_name: What ``voice`` is called (``CAM++``).
        whisper: Folder of Whisper weights that the user named; ``None`` looks for downloaded ones.
        language: What the clips speak (``en``, ``zh``), where the user said it; Whisper tells by itself otherwise.
        lowest_rate: Hz below which a recording of a voice is refused.
    """

    voice: Callable[[np.ndarray, int], np.ndarray] | None = None
    voice_name: str = ""
    whisper: str | None = None
    language: str | None = None
    lowest_rate: int = 0
