"""Clips with a failure planted into them, measured and held against every rule."""

from __future__ import annotations

import json
import math
import os
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from diagnosis_cases.material import RATE, Clip
from diagnosis_cases.planted import HARMLESS, PLANTED
from tunesmith.evaluation.diagnosis import diagnose_file, reference_of
from tunesmith.evaluation.reference_stats import Reference
from tunesmith.evaluation.signals import Signals, measure

CLEAN = "clean"
PLANTS = {p.name: p.plant for p in PLANTED} | {f"harmless {p.name}": p.plant for p in HARMLESS}


@dataclass(frozen=True)
class Job:
    """One clip and what is done to it; ``voice`` is another clip of the same voice."""

    cache: Path
    clip: Clip
    failure: str
    voice: Clip

    @property
    def key(self) -> tuple[str, str]:
        """Names the job."""
        return self.clip.name, self.failure


@dataclass(frozen=True)
class Judged:
    """What was found in one clip: the rules that it breaks by fixed limits, and beside a person's own clips."""

    job: Job
    signals: Signals
    fixed: tuple[str, ...]
    own: tuple[str, ...]


def measured(jobs: Sequence[Job], pool: Executor, kept: Path | None) -> list[Signals]:
    """The signals of every job, in order.

    Args:
        jobs: What is measured.
        pool: Where.
        kept: A file of signals, one line per job: jobs that it holds are read from it, others are added to it.
    """
    known = _read(kept) if kept and kept.exists() else {}
    missing = [job for job in jobs if job.key not in known]
    with open(kept or os.devnull, "a", encoding="utf-8") as file:
        for job, signals in zip(missing, pool.map(_measure, missing, chunksize=8), strict=True):
            known[job.key] = signals
            file.write(f"{json.dumps({'failure': job.failure, 'clip': job.clip.name, **signals.to_json()})}\n")
            file.flush()
    return [known[job.key] for job in jobs]


def _read(kept: Path) -> dict[tuple[str, str], Signals]:
    from tunesmith.evaluation.speech.signals import SpeechSignals

    known = {}
    for line in kept.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        key, kind = (record.pop("clip"), record.pop("failure")), SpeechSignals if "end_db" in record else Signals
        known[key] = kind(**{name: math.nan if value is None else value for name, value in record.items()})
    return known


def _measure(job: Job) -> Signals:
    clean = job.clip.load(job.cache)
    rng = np.random.default_rng(zlib.crc32(f"{job.clip.name} {job.failure}".encode()))
    audio = clean if job.failure == CLEAN else PLANTS[job.failure](clean, RATE, rng)
    plain = replace(measure(audio, RATE), at_end=float(job.clip.ending))
    return _spoken(job, plain, clean, audio) if job.clip.profile == "speech" else plain


def _spoken(job: Job, plain: Signals, clean: np.ndarray, audio: np.ndarray) -> Signals:
    """Speech is held against the recording that it was made of, as against the true one of its text."""
    from tunesmith.evaluation.speech.measures import SpeechReference, spoken_signals
    from tunesmith.speech.duration import nuclei, spoken_seconds
    from tunesmith.speech.speaker_vector import MFCC

    voice = _voice(job.cache, job.voice)
    reference = SpeechReference(
        job.clip.text, spoken_seconds(clean.T, RATE), True, voice, None, float(nuclei(clean.T, RATE))
    )
    vector = np.asarray(MFCC.embed(audio.mean(axis=1).astype(np.float32), RATE), np.float64) if plain.live else None
    return spoken_signals(plain, audio.T, RATE, reference, vector, None)


@lru_cache(maxsize=256)
def _voice(cache: Path, clip: Clip) -> np.ndarray:
    from tunesmith.speech.speaker_vector import MFCC

    return np.asarray(MFCC.embed(clip.load(cache).mean(axis=1).astype(np.float32), RATE), np.float64)


def judged(
    jobs: Sequence[Job], found: Sequence[Signals], own: Mapping[str, Sequence[Clip]], lengths: Mapping[str, float]
) -> list[Judged]:
    """Every rule, once by its fixed limits and once beside other clips of the same kind.

    Args:
        jobs: What was measured.
        found: Its signals.
        own: By clip, those that stand for a person's own.
        lengths: By clip, the seconds that were asked for.
    """
    clean = {job.clip.name: signals for job, signals in zip(jobs, found, strict=True) if job.failure == CLEAN}
    known: dict[str, Reference | None] = {}
    results = []
    for job, signals in zip(jobs, found, strict=True):
        name, profile = job.clip.name, job.clip.profile
        if name not in known:
            known[name] = reference_of([clean[c.name] for c in own[name]], profile)
        want = lengths[name] if profile == "music" else None
        by = [tuple(v.rule for v in diagnose_file(signals, want, profile, r)) for r in (None, known[name])]
        results.append(Judged(job, signals, *by))
    return results
