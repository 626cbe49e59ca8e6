"""What the API answers, field by field; times are seconds since 1970, sentences are in the asker's language."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from tunesmith.studio.jobs.state import JobState
from tunesmith.studio.jobs.verbs import Flag, Verb


class Answer(BaseModel):
    """The base of all answers."""


class JobAnswer(Answer):
    """A job."""

    id: str
    device: Annotated[str, Field(description="The queue it waits in.")]
    verb: str
    run: str
    command: Annotated[str, Field(description="What one would type for it.")]
    overrides: list[str]
    state: JobState
    said: Annotated[str, Field(description="The state in words.")]
    end: Annotated[str | None, Field(description="What its end means.")] = None
    queued: float
    started: float | None = None
    ended: float | None = None
    code: int | None = None
    may_end: Annotated[bool, Field(description="It was asked to stop a minute ago and may be ended at once.")] = False


class StageAnswer(Answer):
    """A stage of a run."""

    name: str
    said: Annotated[str, Field(description="What it is called.")]
    status: Annotated[str, Field(description="`none`, `running`, `done`, `lost`, `failed` or `stopped`.")]
    status_said: str


class WriterAnswer(Answer):
    """The command that writes into a run."""

    command: str
    pid: int
    host: str
    since: str


class ProgressAnswer(Answer):
    """How far that command is."""

    stage: str
    done: float
    total: float | None
    unit: str
    note: str
    eta_seconds: float | None


class RunAnswer(Answer):
    """A run."""

    name: str
    family: str
    base: str
    stages: list[StageAnswer]
    stage: Annotated[str, Field(description="The stage that is being done, or the last that was.")]
    stage_said: str
    share: Annotated[float | None, Field(description="How much of it is done, from 0 to 1.")]
    update: int
    updates: int | None
    first_number: Annotated[int | None, Field(description="The update of the first loss.")]
    best_update: int | None
    best_loss: Annotated[float | None, Field(description="The best held-out loss.")]
    verdict: str | None
    problem: Annotated[str | None, Field(description="What is wrong with the folder.")]
    progress: ProgressAnswer | None
    writer: WriterAnswer | None
    job: Annotated[JobAnswer | None, Field(description="Its newest job.")]
    has_report: bool
    can_continue: bool
    changed: float


class RunsAnswer(Answer):
    """All runs, what changed last first."""

    runs: list[RunAnswer]


class EventAnswer(Answer):
    """Something that happened, or what a gate saw."""

    update: int
    time: Annotated[float, Field(description="Seconds since the run began.")]
    name: str
    said: str
    sentence: str


class PreviewAnswer(Answer):
    """A sound made while training."""

    update: int
    index: int
    prompt: str
    media: Annotated[str | None, Field(description="For `/media/{id}`; null where the file is gone.")]
    problem: str | None


Points = list[tuple[int, float]]


class FollowAnswer(Answer):
    """What is new of a run; from byte 0, its whole course with thinned curves."""

    run: RunAnswer
    at: Annotated[int, Field(description="Ask with `after=` this the next time.")]
    mark: Annotated[str, Field(description="And with `mark=` this.")]
    restarted: Annotated[bool, Field(description="The file was written anew: forget what was answered before.")]
    more: Annotated[bool, Field(description="There is more already.")]
    curves: Annotated[dict[str, Points], Field(description="`train`, `valid`, `forgetting`, `rate`: update, value.")]
    events: list[EventAnswer]
    previews: list[PreviewAnswer]


class LogAnswer(Answer):
    """What was added to a log; its last 32 kB at most."""

    text: str
    at: Annotated[int, Field(description="Ask with `after=` this the next time.")]
    restarted: Annotated[bool, Field(description="Forget what was answered before.")]


class JobsAnswer(Answer):
    """All jobs, the newest first."""

    jobs: list[JobAnswer]


class JobRequest(BaseModel):
    """A job to start."""

    verb: Verb
    run: Annotated[str, Field(max_length=255, description="Name of a folder in runs/; empty for the demo.")] = ""
    overrides: Annotated[list[str], Field(max_length=100, description="`key.path=value` texts.")] = []
    flags: Annotated[list[Flag], Field(max_length=3)] = []


class StopRequestBody(BaseModel):
    """How to stop."""

    at_once: Annotated[bool, Field(description="End it without saving; allowed a minute after it was asked.")] = False


class Refusal(Answer):
    """Why something was not done, in a sentence."""

    error: str
