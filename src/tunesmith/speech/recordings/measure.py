"""Measure and hear the spoken clips of a set, each once."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from tunesmith.data.checks.context import CheckContext
from tunesmith.data.checks.facts import fact_key
from tunesmith.data.checks.saving import Saving
from tunesmith.data.load import load
from tunesmith.data.sample import AudioRef
from tunesmith.data.workers import Task, WorkerDied, WorkersWanted, open_pool, worker_count, works_here
from tunesmith.errors import TunesmithError
from tunesmith.speech.duration import floor_db, stretches
from tunesmith.speech.recordings.facts import SpokenFacts, SpokenStore
from tunesmith.speech.speaker_vector import MFCC_NAME, VoiceVector
from tunesmith.speech.transcribe import Transcriber

Recording = tuple[AudioRef, str]
"""Where a recording lies, and the text that belongs to it."""
_RATE = 16_000
_LEVELS, _VOICE, _WORDS = 1 / 350, 1 / 60, 1 / 8
"""Processor seconds per second of sound: levels and MFCC statistics, a network that tells voices, Whisper."""
_START_S, _START_TORCH_S, _MEMORY_BYTES = 2.0, 5.0, 800e6


@dataclass(frozen=True)
class Listener:
    """Who listens to recordings.

    Attributes:
        voice: Tells voices apart.
        transcriber: Hears the words, where there is one.
        language: What is spoken, where it is known.
        path: Where facts are kept; ``None`` keeps nothing.
        workers: Processes that listen, where there is a ``task``; 1 listens in this one.
        task: What a worker opens: a listener like this one, and its :meth:`measured`.
        lost: Takes the clips that no worker has survived, by id.
    """

    voice: VoiceVector
    transcriber: Transcriber | None = None
    language: str | None = None
    path: Path | None = None
    workers: WorkersWanted = 1
    task: Task[Recording, SpokenFacts | None] | None = None
    lost: dict[str, WorkerDied] = field(default_factory=dict)

    def hear(self, context: CheckContext) -> dict[str, SpokenFacts]:
        """Facts of every clip whose recording was decoded and is not silent, by its id."""
        store, ears = SpokenStore(self.path), self.transcriber.name if self.transcriber else ""
        heard: dict[str, SpokenFacts] = {}
        kept: dict[str, SpokenFacts] = {}
        saving = Saving(lambda: store.save(kept, whole=False))
        clips = [(*clip, store.get(clip[1], self.voice.name, ears)) for clip in _spoken_clips(context)]
        jobs = [(ref, text) for _, _, ref, text, known in clips if known is None]
        try:
            with closing(self._listened(jobs, context)) as listened:
                for clip_id, key, _, _, known in clips:
                    found = known or next(listened)
                    if isinstance(found, WorkerDied):
                        self.lost[clip_id] = found
                    elif found is not None:
                        heard[clip_id] = kept[key] = found
                    saving.tick()
        except BaseException:
            store.save(kept, whole=False)
            raise
        store.save(kept)
        return heard

    def _listened(self, jobs: Sequence[Recording], context: CheckContext) -> Generator[SpokenFacts | WorkerDied | None]:
        """What is heard in recordings, in their order."""
        count = 1 if self.task is None else self._worker_count(len(jobs), context)
        if not jobs or self.task is None or works_here(self.workers, count):
            yield from (self.measured(job) for job in jobs)
            return
        with open_pool(self.workers, self.task, count) as pool, closing(pool.run(jobs)) as results:
            yield from (found for _, found in results)

    def _worker_count(self, clips: int, context: CheckContext) -> int:
        """Recordings are taken to be as long as the clips are in the mean."""
        lengths = [audio.facts.seconds for audio in context.audios()]
        seconds = clips * sum(lengths) / max(1, len(lengths))
        speed = _WORDS if self.transcriber else _LEVELS if self.voice.name == MFCC_NAME else _VOICE
        weights = sum(p.stat().st_size for p in self.transcriber.folder.glob("*")) if self.transcriber else 0
        start = _START_S + (_START_TORCH_S if self.transcriber else 0.0)
        return worker_count(self.workers, clips, seconds * speed, start, _MEMORY_BYTES + 2 * weights)

    def measured(self, recording: Recording) -> SpokenFacts | None:
        """``None`` for what cannot be read; other checks speak of that."""
        ref, text = recording
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
