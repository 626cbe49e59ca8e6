"""``/api/jobs``: start, list, stop, read the log."""

from __future__ import annotations

from fastapi import APIRouter, Request

from tunesmith.studio.api.answers import JobAnswer, JobRequest, JobsAnswer, LogAnswer, Refusal, StopRequestBody
from tunesmith.studio.api.context import Language, StudioPart, note
from tunesmith.studio.api.rows import job_answer
from tunesmith.studio.api.runs import After
from tunesmith.studio.jobs.verbs import wanted
from tunesmith.studio.reading.tail import read_text

router = APIRouter(prefix="/api/jobs", tags=["jobs"], responses={404: {"model": Refusal}})


@router.get("")
def list_jobs(studio: StudioPart, language: Language) -> JobsAnswer:
    """Every job, the newest first."""
    return JobsAnswer(jobs=[job_answer(job, language) for job in studio.jobs.jobs()])


@router.post("", status_code=201, responses={400: {"model": Refusal}})
def start_job(body: JobRequest, request: Request, studio: StudioPart, language: Language) -> JobAnswer:
    """Start a job: it waits for its device, and goes on whatever becomes of this page and server."""
    note(request, action="start", verb=body.verb, run=body.run, overrides=body.overrides, flags=body.flags)
    job = studio.jobs.start(wanted(studio.runs, body.verb, body.run, body.overrides, body.flags))
    note(request, job=job.record.id)
    return job_answer(job, language)


@router.post("/{job}/stop", responses={409: {"model": Refusal}})
def stop_job(job: str, body: StopRequestBody, request: Request, studio: StudioPart, language: Language) -> JobAnswer:
    """Ask a job to stop and save, or take it out of the queue; a minute later it may be ended at once."""
    note(request, action="end at once" if body.at_once else "stop", job=job)
    return job_answer(studio.jobs.stop(job, at_once=body.at_once), language)


@router.get("/{job}/log")
def job_log(job: str, studio: StudioPart, after: After = 0) -> LogAnswer:
    """The end of what its command printed, or what was added to it."""
    tail = read_text(studio.jobs.job(job).files.log, after)
    return LogAnswer(text=tail.text, at=tail.at, restarted=tail.restarted)
