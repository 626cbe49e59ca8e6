"""Measure and hear the spoken clips of a set, each once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from tunesmith.data.checks.context import CheckContext
from tunesmith.data.checks.facts import fact_key
from tunesmith.data.checks.saving import Saving
from tunesmith.data.load import load
from tunesmith.data.sample import AudioRef
from tunesmith.errors import TunesmithError
from tunesmith.speech.duration import floor_db, stretches
from tunesmith.speech.recordings.facts import SpokenFacts, SpokenStore
from tunesmith.speech.speaker_vector import VoiceVector
from tunesmith.speech.transcribe import Transcriber

_RATE = 16_000


@dataclass(frozen=True)
class Listener:
    """Who listens to recordings.

    Attributes:
        voice: Tells voices apart.
        transcriber: Hears the words, where there is one.
        language: What is spoken, where it is known.
        path: Where facts are kept; ``None`` keeps nothing.
    """

    voice: VoiceVector
    transcriber: Transcriber | None = None
    language: str | None = None
    path: Path | None = None

    def hear(self, context: CheckContext) -> dict[str, SpokenFacts]:
        """Facts of every clip whose recording was decoded and is not silent, by its id."""
        store, ears = SpokenStore(self.path), self.transcriber.name if self.transcriber else ""
        heard: dict[str, SpokenFacts] = {}
        kept: dict[str, SpokenFacts] = {}
        saving = Saving(lambda: store.save(kept, whole=False))
        try:
            for clip_id, key, ref, text in _spoken_clips(context):
                known = store.get(key, self.voice.name, ears) or self._measured(ref, text)
                if known is not None:
                    heard[clip_id] = kept[key] = known
                saving.tick()
        except BaseException:
            store.save(kept, whole=False)
            raise
        store.save(kept)
        return heard

    def _measured(self, ref: AudioRef, text: str) -> SpokenFacts | None:
        """``None`` for what cannot be read; other checks speak of that."""
        try:
            audio = load(ref, _RATE, 1)
        except TunesmithError:
            return None
        parts = stretches(audio, _RATE)
        pauses = [(after[0] - before[1], before[1]) for before, after in pairwise(parts)]
        pause, start = max(pauses, default=(0.0, 0.0))
        vector = np.asarray(self.voice.embed(np.nan_to_num(audio[0]).astype(np.float32), _RATE), np.float64)
        known = np.isfinite(vector).all()
        return SpokenFacts(
            spoken=sum(last - first for first, last in parts),
            floor_db=floor_db(audio, _RATE) if parts else math.nan,
            pause=pause,
            pause_start=start,
            voice=tuple(float(value) for value in np.round(vector, 4)) if known else (),
            voice_name=self.voice.name,
            transcript=self._words(audio, text),
            ears=self.transcriber.name if self.transcriber else "",
        )

    def _words(self, audio: np.ndarray, text: str) -> str | None:
        """What is said; ``None`` where nobody hears its language."""
        if self.transcriber is None or not self.transcriber.understands(text, self.language):
            return None
        return self.transcriber.transcribe(audio, _RATE, self.language)


def _spoken_clips(context: CheckContext) -> Iterator[tuple[str, str, AudioRef, str]]:
    """Id, key, recording and text of every clip that was decoded and is not silent."""
    for clip in context.clips:
        ref = clip.sample.target
        role = next((role for role, audio in clip.sample.targets.items() if audio is ref), "")
        facts = clip.facts.get(role)
        if ref is not None and facts is not None and facts.decoded and facts.peak > 0:
            yield clip.sample.id, fact_key(ref), ref, clip.sample.texts.get("caption", "")
