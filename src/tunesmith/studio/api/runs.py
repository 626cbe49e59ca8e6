"""``/api/runs``: every run, one run, and what is new of it since a byte of its metrics."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from tunesmith.records.metrics import EventLine, GateLine
from tunesmith.run.folder import RunFolder
from tunesmith.studio.api.answers import FollowAnswer, LogAnswer, Refusal, RunAnswer, RunsAnswer
from tunesmith.studio.api.context import Language, Studio, StudioPart
from tunesmith.studio.api.rows import event_answer, newest_jobs, preview_answer, run_answer
from tunesmith.studio.jobs.verbs import run_folder
from tunesmith.studio.reading.course import Course
from tunesmith.studio.reading.tail import read_new, read_text

router = APIRouter(prefix="/api/runs", tags=["runs"], responses={404: {"model": Refusal}})
_MOST_EVENTS = 200

After = Annotated[int, Query(ge=0, le=2**53, description="Byte to go on from: `at` of the answer before.")]


@router.get("")
def list_runs(studio: StudioPart, language: Language) -> RunsAnswer:
    """Every run; a broken folder is a row with its sentence."""
    jobs = newest_jobs(studio)
    return RunsAnswer(runs=[run_answer(run, jobs.get(run.name), language) for run in studio.shelf.all()])


@router.get("/{name}")
def one_run(name: str, studio: StudioPart, language: Language) -> RunAnswer:
    """One run."""
    run_folder(studio.runs, name)
    return _run(studio, name, language)


@router.get("/{name}/follow")
def follow(
    name: str,
    studio: StudioPart,
    language: Language,
    after: After = 0,
    mark: Annotated[str, Query(max_length=16, description="`mark` of the answer before.")] = "",
) -> FollowAnswer:
    """What is new since a byte of the metrics; from 0, the whole course."""
    folder = RunFolder(run_folder(studio.runs, name))
    chunk = read_new(folder.metrics, after, mark)
    lines, at, last_mark, more = [*chunk.lines], chunk.at, chunk.mark, chunk.more
    while more and after == 0:  # a whole course is thinned as a whole
        further = read_new(folder.metrics, at, last_mark)
        lines, at, last_mark, more = [*lines, *further.lines], further.at, further.mark, further.more
    course = Course.of(lines)
    events: list[EventLine | GateLine] = [*course.gates, *course.events]
    events = sorted(events, key=lambda line: line.time)[-_MOST_EVENTS:]
    return FollowAnswer(
        run=_run(studio, name, language),
        at=at,
        mark=last_mark,
        restarted=chunk.restarted,
        more=more,
        curves={key: points for key, points in course.curves().items() if points},
        events=[event_answer(line, language) for line in events],
        previews=[preview_answer(studio, name, line, language) for line in course.previews],
    )


@router.get("/{name}/log")
def run_log(name: str, studio: StudioPart, after: After = 0) -> LogAnswer:
    """The end of a run's log, or what was added to it."""
    tail = read_text(RunFolder(run_folder(studio.runs, name)).log, after)
    return LogAnswer(text=tail.text, at=tail.at, restarted=tail.restarted)


def _run(studio: Studio, name: str, language: str) -> RunAnswer:
    return run_answer(studio.shelf.facts(name), newest_jobs(studio).get(name), language)
