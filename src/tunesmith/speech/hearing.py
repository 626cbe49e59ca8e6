"""Which learned ears measure speech on this machine."""

from __future__ import annotations

from tunesmith.ears.catalogue import DNSMOS
from tunesmith.ears.dnsmos import QualityEar
from tunesmith.ears.installed import is_usable
from tunesmith.errors import TunesmithError
from tunesmith.speech.speaker_vector import MFCC_NAME, voice_name
from tunesmith.speech.tools import SpeechTools
from tunesmith.speech.transcribe import transcriber


def quality_ear() -> QualityEar | None:
    """What rates how speech sounds; ``None`` where it is not installed.

    Raises:
        TunesmithError: when it is damaged.
    """
    return QualityEar() if is_usable(DNSMOS) else None


def checking_ears(tools: SpeechTools) -> list[str]:
    """The names of what hears the clips in the check, beyond what is always there."""
    voice = voice_name(tools)
    return [*([voice] if voice != MFCC_NAME else []), *_words(tools)]


def measuring_ears(tools: SpeechTools) -> list[str]:
    """The names of what measures speech in an evaluation, beyond what is always there."""
    return [*checking_ears(tools), *([DNSMOS.title] if is_usable(DNSMOS) else [])]


def _words(tools: SpeechTools) -> list[str]:
    try:
        found = transcriber(tools.whisper)
    except TunesmithError:  # the stage itself says what is wrong with it
        return [tools.whisper or ""]
    return [found.name] if found else []
