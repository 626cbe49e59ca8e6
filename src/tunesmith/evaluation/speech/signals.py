"""The numbers of one spoken clip."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from tunesmith.evaluation.signals import Signals
from tunesmith.speech.speaker_vector import MFCC


@dataclass(frozen=True)
class SpeechSignals(Signals):
    """What was measured on one spoken clip; NaN where it cannot be told.

    Attributes:
        error_rate: Wrong characters (CJK) or words over those of the text; needs Whisper.
        left_out: Most characters or words left out in a row; needs Whisper.
        text_length: Characters or words of the text.
        spoken_s: Seconds of speech, pauses left out.
        duration_ratio: That over what the text should take.
        target_known: 1 when that is what the true recording takes, 0 when it follows from the prompt's speaking rate.
        stretches: Stretches of speech between pauses.
        clauses: Stretches between marks in the text that are long enough to be set apart.
        floor_db: Level of the quietest moments between words under that of the loud ones, not under -40.
        nuclei_ratio: Syllables that are heard, over those of the true recording.
        said_again: Most words or characters in a row that were heard once more than the text has them; needs Whisper.
        said_again_s: Longest stretch of speech that comes a second time, sound for sound.
        end_db: Level at the very end, under that of the voice.
        speech_rate: Syllables per second of speech.
        voice_prompt: Likeness to the prompt's voice, -1…1.
        voice_own: Likeness to other recordings of the speaker, -1…1.
        voice_limit: Likeness under which it is another voice, by what told voices apart.
        mos: How good it sounds, 1…5, as people would rate it; needs DNSMOS, as the next two.
        mos_voice: The same of the voice alone.
        mos_background: The same of what lies under it.
    """

    error_rate: float
    left_out: float
    text_length: int
    spoken_s: float
    duration_ratio: float
    target_known: int
    stretches: int
    clauses: int
    floor_db: float
    nuclei_ratio: float = field(default=math.nan, kw_only=True)
    said_again: float = field(default=math.nan, kw_only=True)
    said_again_s: float = field(default=math.nan, kw_only=True)
    end_db: float = field(default=math.nan, kw_only=True)
    speech_rate: float
    voice_prompt: float
    voice_own: float
    voice_limit: float = field(default=MFCC.other_under, kw_only=True)
    mos: float = field(default=math.nan, kw_only=True)
    mos_voice: float = field(default=math.nan, kw_only=True)
    mos_background: float = field(default=math.nan, kw_only=True)
