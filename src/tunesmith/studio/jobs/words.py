"""The state and the end of a job in words."""

from __future__ import annotations

from tunesmith.studio.jobs.start import StudioJob
from tunesmith.studio.jobs.state import JobState
from tunesmith.texts import Message, msg

STATES: dict[JobState, Message] = {
    "queued": msg("queued"),
    "running": msg("running"),
    "stopping": msg("stopping"),
    "done": msg("done"),
    "failed": msg("failed"),
    "stopped": msg("stopped"),
    "cancelled": msg("cancelled"),
    "lost": msg("lost"),
}
_ENDS: dict[JobState, Message] = {
    "done": msg("It ended well."),
    "cancelled": msg("It was taken out of the queue before it began."),
    "lost": msg("It ended without a word: the machine or the system stopped it. The same command goes on from there."),
    "stopped": msg("It was stopped as asked; what was finished is kept."),
}
_STOPPED_ELSEWHERE = msg("Somebody else stopped it; what was finished is kept.")
_KILLED = msg("The system ended it at once (SIGKILL), most often because memory ran out.")
_CODES: dict[int | None, Message] = {
    1: msg("It failed; the last line of its log says why."),
    2: msg("The command was not understood; its log says what is wrong with it."),
    70: msg("Something unforeseen happened; its log says what."),
    127: msg("The program could not be started."),
    130: _STOPPED_ELSEWHERE,
    143: _STOPPED_ELSEWHERE,
    -2: _STOPPED_ELSEWHERE,
    -15: _STOPPED_ELSEWHERE,
    137: _KILLED,
    -9: _KILLED,
}


def end_of(job: StudioJob) -> Message | None:
    """What a job's end means; ``None`` while it is not over."""
    if job.state != "failed":
        return _ENDS.get(job.state)
    code = job.record.code
    return _CODES.get(code) or msg("It ended with exit code {code}.", code=str(code))
