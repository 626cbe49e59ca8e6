"""The texts of a part: a caption says the same of every part, a transcript of the whole says nothing of any one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tunesmith.data.layouts.text_files import read_text
from tunesmith.data.sample import Sample
from tunesmith.data.slicing.lyrics import Line, is_timed, lines_of, part_of

_LEAST_WORDS = 20
_TRANSCRIPT_RATE = 1.2
"""Words a second that no description of a recording reaches, and slow speech does."""
_WORD = re.compile(r"[^\W\d_]+")
_IDEOGRAPH = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True)
class WholeTexts:
    """The texts of a whole recording, ready to be parted.

    Attributes:
        caption: For every part.
        transcript: Words of the whole that no part gets; empty where the caption is none.
        lines: Of the lyrics.
        guessed: Whether the times of the lines are a guess.
        lyrics: All of them, for a clip that is the whole.
    """

    caption: str
    transcript: str
    lines: tuple[Line, ...]
    guessed: bool
    lyrics: str = ""

    def part(self, start: float, end: float) -> dict[str, str]:
        """Caption and lyrics of a part; only what it has."""
        texts = {"caption": self.caption, "lyrics": self.lyrics or part_of(self.lines, start, end)}
        return {role: text for role, text in texts.items() if text}


def whole_texts(sample: Sample, seconds: float, sounds: tuple[float, float], *, uncut: bool) -> WholeTexts:
    """Read the texts of a recording, an ``.lrc`` file beside it among them.

    Args:
        sample: The recording.
        seconds: Its length.
        sounds: Where its sound begins and ends, in seconds.
        uncut: Whether one clip holds all of it, so that every text is that clip's.
    """
    caption, lyrics = sample.texts.get("caption", "").strip(), sample.texts.get("lyrics", "").strip()
    if not is_timed(lyrics) and sample.target is not None:
        timed = _beside(Path(sample.target.path))
        lyrics = timed if is_timed(timed) and not sample.target.start else lyrics
    if uncut:
        return WholeTexts(caption, "", (), guessed=False, lyrics=lyrics)
    transcript = caption if is_transcript(caption, seconds) else ""
    lines = tuple(lines_of(lyrics, *sounds))
    return WholeTexts("" if transcript else caption, transcript, lines, any(line.guessed for line in lines))


def is_transcript(text: str, seconds: float) -> bool:
    """Whether a text has as many words as are spoken in its recording, rather than as describe it."""
    words = len(_WORD.findall(_IDEOGRAPH.sub(" ", text))) + len(_IDEOGRAPH.findall(text)) / 2
    return words >= _LEAST_WORDS and words / max(seconds, 1e-9) >= _TRANSCRIPT_RATE


def _beside(audio: Path) -> str:
    path = audio.with_suffix(".lrc")
    return read_text(path)[0] if path.is_file() else ""
