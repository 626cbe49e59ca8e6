"""Measure every distinct audio of a set once, on as many processes as wished, and remember it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.data.checks.facts import ClipFacts, FactStore, fact_key
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.data.checks.saving import Saving
from tunesmith.data.sample import AudioRef, Sample
from tunesmith.data.workers import WorkersWanted

if TYPE_CHECKING:
    import numpy as np

    from tunesmith.data.checks.measure import Job

MeasuredClip = tuple[ClipFacts, "np.ndarray | None"]
"""Facts of one audio, and its landmarks where there are any."""


@dataclass(frozen=True)
class Survey:
    """How to measure a set.

    Attributes:
        limits: Limits on length, channels and rate: what the header rules out is not decoded.
        signals: Measure loudness and bandwidth.
        fingerprint: Take landmarks.
        overrule: Ids that are decoded whatever their header says.
        workers: Processes that measure; 1 measures in this one, and ``auto`` takes as many as are worth their start.
        progress: Called with the number of samples measured since the last call.
        facts_path: Where the facts are kept; ``None`` keeps nothing.
        keep: Keep what is measured now; else only what is known already is read.
    """

    limits: CheckLimits
    signals: bool = True
    fingerprint: bool = True
    overrule: Collection[str] = ()
    workers: WorkersWanted = 1
    progress: Callable[[int], None] | None = None
    facts_path: Path | None = None
    keep: bool = True

    def measure(self, samples: Sequence[Sample]) -> dict[AudioRef, MeasuredClip]:
        """Facts and landmarks of every distinct audio, by :func:`span_of` its reference."""
        from tunesmith.data.checks.measure import Job, beyond

        store = FactStore(self.facts_path)
        wanted: dict[AudioRef, bool] = {}
        for sample in samples:
            for ref in sample.audios.values():
                wanted[span_of(ref)] = wanted.get(span_of(ref), False) or sample.id in self.overrule
        keys = {ref: fact_key(ref) for ref in wanted}
        measured: dict[AudioRef, MeasuredClip] = {}
        for ref, overruled in wanted.items():
            stored = store.get(keys[ref], signals=self.signals, fingerprint=self.fingerprint)
            if stored and (stored[0].decoded or (not overruled and beyond(stored[0], stored[0].seconds, self.limits))):
                measured[ref] = stored
        jobs = [
            Job(ref, self.limits, self.signals, self.fingerprint, overruled)
            for ref, overruled in wanted.items()
            if ref not in measured
        ]
        advance = self._progress_of_samples(samples, measured)

        def save() -> None:
            if self.keep:
                store.save({keys[ref]: result for ref, result in measured.items() if not result[0].problem})

        saving = Saving(save)
        try:
            with closing(_measure(jobs, self.workers)) as results:
                for job, result in results:
                    measured[job.ref] = result
                    advance(job.ref)
                    saving.tick()
        finally:  # what an interruption leaves unmeasured is all that is measured the next time
            if jobs:
                save()
        return measured

    def _progress_of_samples(
        self, samples: Sequence[Sample], measured: Collection[AudioRef]
    ) -> Callable[[AudioRef], None]:
        """Reports samples as the last of their audios is measured; those that are known already, at once."""
        progress = self.progress
        if progress is None:
            return lambda ref: None
        waiting = [{span_of(ref) for ref in sample.audios.values()} - set(measured) for sample in samples]
        users: dict[AudioRef, list[set[AudioRef]]] = {}
        for refs in waiting:
            for ref in refs:
                users.setdefault(ref, []).append(refs)
        progress(sum(not refs for refs in waiting))

        def advance(ref: AudioRef) -> None:
            for refs in users[ref]:
                refs.discard(ref)
            progress(sum(not refs for refs in users[ref]))

        return advance


def span_of(ref: AudioRef) -> AudioRef:
    """The file and span of a reference, without its duration, so that it can be a key."""
    return replace(ref, duration=None)


def _measure(jobs: Sequence[Job], workers: WorkersWanted) -> Generator[tuple[Job, MeasuredClip]]:
    """Every job with what was measured, in order."""
    from tunesmith.data.checks.measure import measure_clip
    from tunesmith.data.checks.measuring import killed, measuring, workers_for
    from tunesmith.data.workers import WorkerDied, open_pool, works_here

    count = workers_for(jobs, workers)
    if not jobs or works_here(workers, count):
        yield from ((job, measure_clip(job)) for job in jobs)
        return
    with open_pool(workers, measuring, count) as pool, closing(pool.run(jobs)) as results:
        for job, result in results:
            yield job, (killed(result), None) if isinstance(result, WorkerDied) else result
