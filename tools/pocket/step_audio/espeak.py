"""Speech from espeak-ng, the formant synthesiser: what the pocket model learns from, and the examples that ship.

Only building needs the program; what was built does not.
"""

from __future__ import annotations

import io
import shutil
import subprocess
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.config import SAMPLE_RATE

PROGRAM = "espeak-ng"
PEAK = 0.3
"""Of an ordinary voice; a loud one has twice that."""
LEAD_SECONDS, TAIL_SECONDS = 0.03, 0.06
"""Silence before and after the speech."""
_AUDIBLE = 0.01
Wave = npt.NDArray[np.float32]


@dataclass(frozen=True)
class EspeakVoice:
    """A speaker: espeak-ng's variant, pitch (0 to 99), and the variant that whispers for it.

    Attributes:
        name: As in ``speaker_id``.
        variant: Added to the language, as in ``en-us+f2``.
        pitch: Of the program's ``-p``.
        speed: Words a minute, of the program's ``-s``.
        whisper: Variant of the same sex without voicing.
        loudness: Factor of the level.
    """

    name: str
    variant: str
    pitch: int
    whisper: str
    speed: int = 200
    loudness: float = 1.0

    def faster(self) -> EspeakVoice:
        """The same speaker at 1.4 times the speed."""
        return replace(self, speed=round(self.speed * 1.4))

    def slower(self) -> EspeakVoice:
        """The same speaker at 0.7 times the speed."""
        return replace(self, speed=round(self.speed * 0.7))

    def whispering(self) -> EspeakVoice:
        """The same speaker without voicing, more softly."""
        return replace(self, variant=self.whisper, loudness=0.6)

    def loud(self) -> EspeakVoice:
        """The same speaker at twice the level and a higher pitch."""
        return replace(self, pitch=min(99, self.pitch + 15), loudness=2.0)


BASE_VOICES = (
    EspeakVoice("ann", "f2", 60, "whisperf"),
    EspeakVoice("ben", "m3", 35, "whisper"),
    EspeakVoice("cleo", "f4", 75, "whisperf"),
    EspeakVoice("dan", "m7", 50, "whisper"),
)
NEW_VOICE = EspeakVoice("eve", "f5", 40, "whisperf")
"""Of the examples, and in no training of the base."""


def speak(text: str, voice: EspeakVoice) -> Wave:
    """``text`` in a voice: (samples,) at 24 kHz, with short silences at both ends.

    Raises:
        TunesmithError: when espeak-ng is not installed, or fails.
    """
    import soundfile
    import soxr

    if shutil.which(PROGRAM) is None:
        raise TunesmithError(
            "espeak-ng is not installed, and the pocket model learns from its speech",
            remedy="Install it (Debian: apt install espeak-ng); using the model that ships does not need it.",
        )
    command = [PROGRAM, "-v", f"en-us+{voice.variant}", "-p", str(voice.pitch), "-s", str(voice.speed), "--stdout"]
    done = subprocess.run([*command, text], capture_output=True, check=False)
    if done.returncode != 0 or len(done.stdout) < 1000:
        reason = done.stderr.decode(errors="replace").strip() or f"exit status {done.returncode}"
        raise TunesmithError(f"espeak-ng said nothing: {reason}", where=text, remedy="Check its installation.")
    wave, rate = soundfile.read(io.BytesIO(done.stdout), dtype="float32")
    return _ends(soxr.resample(wave, rate, SAMPLE_RATE), voice.loudness * PEAK)


def _ends(wave: Wave, peak: float) -> Wave:
    """The wave at a peak level, from just before its first to just after its last audible sample."""
    wave = wave * np.float32(peak / max(float(np.abs(wave).max()), 1e-6))
    audible = np.flatnonzero(np.abs(wave) > _AUDIBLE * peak)
    first, last = int(audible[0]), int(audible[-1]) + 1
    lead, tail = (round(seconds * SAMPLE_RATE) for seconds in (LEAD_SECONDS, TAIL_SECONDS))
    speech = np.pad(wave[max(0, first - 120) : last + 480], (lead, tail))
    return speech.astype(np.float32)
