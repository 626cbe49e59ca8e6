"""From what was read to what is answered, in a language."""

from __future__ import annotations

import shlex

from tunesmith.records.metrics import EventLine, GateLine, PreviewLine
from tunesmith.report.texts import term
from tunesmith.run.folder import STAGES
from tunesmith.studio.api.answers import (
    EventAnswer,
    JobAnswer,
    PreviewAnswer,
    ProgressAnswer,
    RunAnswer,
    StageAnswer,
    WriterAnswer,
)
from tunesmith.studio.api.context import Studio
from tunesmith.studio.jobs.start import StudioJob
from tunesmith.studio.jobs.state import JobState
from tunesmith.studio.jobs.words import STATES, end_of
from tunesmith.studio.reading.facts import RunFacts
from tunesmith.texts import Message, msg

STATUSES = {
    "none": msg("not begun"),
    "running": msg("running"),
    "done": msg("done"),
    "lost": msg("lost"),
    "failed": msg("failed"),
    "stopped": msg("stopped"),
}
"""What the status of a stage is called."""


def job_answer(job: StudioJob, language: str) -> JobAnswer:
    """A job."""
    record, end = job.record, end_of(job)
    return JobAnswer(
        id=record.id,
        device=record.device,
        verb=record.verb,
        run=record.run,
        command=shlex.join(["tunesmith", *record.argv]),
        overrides=[word for word in record.argv[2:] if not word.startswith("--")],
        state=job.state,
        said=STATES[job.state].render(language),
        end=end.render(language) if end else None,
        queued=record.queued,
        started=record.started,
        ended=record.ended,
        code=record.code,
        may_end=job.may_end,
    )


def newest_jobs(studio: Studio) -> dict[str, StudioJob]:
    """The job of each run that matters most, the newest of its kind: working, waiting, over, taken out of the queue."""
    found: dict[str, StudioJob] = {}
    for job in studio.jobs.jobs():
        known = found.get(job.record.run)
        if known is None or _RANKS.get(job.state, 2) < _RANKS.get(known.state, 2):
            found[job.record.run] = job
    return found


_RANKS: dict[JobState, int] = {"running": 0, "stopping": 0, "queued": 1, "cancelled": 3}


def run_answer(facts: RunFacts, job: StudioJob | None, language: str) -> RunAnswer:
    """A run."""
    writer, progress = facts.writer, facts.progress
    return RunAnswer(
        name=facts.name,
        family=facts.family,
        base=facts.base,
        stages=[_stage(name, facts.stages.get(name, "none"), language) for name in STAGES],
        stage=facts.stage,
        stage_said=term("stage", facts.stage).render(language) if facts.stage else "",
        share=facts.share,
        update=facts.update,
        updates=facts.updates,
        first_number=facts.first_number,
        best_update=facts.best[0] if facts.best else None,
        best_loss=facts.best[1] if facts.best else None,
        verdict=facts.verdict.render(language) if facts.verdict else None,
        problem=facts.problem.render(language) if facts.problem else None,
        progress=ProgressAnswer(
            stage=progress.stage,
            done=progress.done,
            total=progress.total,
            unit=progress.unit,
            note=progress.note,
            eta_seconds=progress.eta_seconds,
        )
        if progress
        else None,
        writer=WriterAnswer(command=writer.command, pid=writer.pid, host=writer.host, since=writer.since)
        if writer
        else None,
        job=job_answer(job, language) if job else None,
        has_report=facts.has_report,
        can_continue=facts.can_continue,
        changed=facts.changed,
    )


def _stage(name: str, status: str, language: str) -> StageAnswer:
    said = STATUSES.get(status) or Message.fixed(status)
    return StageAnswer(
        name=name,
        said=term("stage", name).render(language),
        status=status,
        status_said=said.render(language),
    )


def event_answer(line: EventLine | GateLine, language: str) -> EventAnswer:
    """An event, or what a gate saw."""
    kind = "event" if isinstance(line, EventLine) else "gate"
    return EventAnswer(
        update=line.update,
        time=line.time,
        name=line.name,
        said=term(kind, line.name).render(language),
        sentence=line.message.render(language),
    )


def preview_answer(studio: Studio, run: str, line: PreviewLine, language: str) -> PreviewAnswer:
    """A preview; its sound only where it lies in the run's own folder."""
    folder = (studio.runs / run).resolve()
    path = folder / line.file
    inside = path.resolve().is_relative_to(folder)
    return PreviewAnswer(
        update=line.update,
        index=line.index,
        prompt=line.prompt,
        media=studio.media.id_of(path) if inside else None,
        problem=term("problem", line.problem).render(language) if line.problem else None,
    )
