"""Make one label: measure, ask, check and combine; the user's tags go before measured facts, then come the model's."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tunesmith.audio.decode import probe
from tunesmith.audio.problems import UnreadableAudioError
from tunesmith.data.content import audio_key, content_key
from tunesmith.data.labels import ClipMeasurements, Label, TagsFrom
from tunesmith.errors import TunesmithError
from tunesmith.label.clips import ClipToLabel
from tunesmith.label.measured import measure_clip
from tunesmith.label.parse import UnusableAnswerError, parse_answer
from tunesmith.label.prompt import about_clip
from tunesmith.label.provider import ListeningModel, Question
from tunesmith.label.schema import Recaption
from tunesmith.label.tags import built_tags, with_measured
from tunesmith.label.window import listen
from tunesmith.texts import NOTHING, Message, msg, with_remedy

MEASURED = "measured"
SHORTEST_S = 1.0
_VERSION = 1  # raise when a measurement or a check changes its meaning, so that clips are labelled anew


@dataclass(frozen=True)
class Labeler:
    """Makes labels with one listener and one prompt.

    Attributes:
        listener: The model to ask; ``None`` measures only.
        system: The instruction that goes with every clip.
    """

    listener: ListeningModel | None
    system: str

    @property
    def provider(self) -> str:
        """Name of the provider."""
        return self.listener.name if self.listener else MEASURED

    @property
    def model(self) -> str:
        """Name of the model; empty where there is none."""
        return self.listener.model if self.listener else ""

    def keys(self, clip: ClipToLabel) -> tuple[str, str]:
        """Keys of the clip's sound, and of the question about it.

        Raises:
            TunesmithError: when the file cannot be read.
        """
        sound = audio_key(clip.ref)
        system = self.system if self.listener else ""
        return sound, content_key(_VERSION, self.provider, self.model, system, *clip.tags, sound)

    def make(self, clip: ClipToLabel) -> Label:
        """Label a clip; what goes wrong with this one clip is in the label.

        Raises:
            NoAnswerError: when the listener gives no answer.
            TunesmithError: when it will not answer at all.
        """
        blank = self.failed(clip, NOTHING)
        if blank.reason:
            return blank
        try:
            seconds = _seconds(clip)
            if seconds < SHORTEST_S:
                return replace(blank, reason=_too_short(seconds))
            measured = measure_clip(clip.ref, seconds)
            draft = replace(blank, measured=measured)
            return self._ask(clip, draft, measured) if self.listener else _finished(draft, clip, measured, None)
        except UnreadableAudioError as error:
            return replace(blank, reason=_without_path(error))

    def failed(self, clip: ClipToLabel, reason: Message) -> Label:
        """The label of a clip that cannot be labelled."""
        try:
            sound, key = self.keys(clip)
        except TunesmithError as error:  # the file cannot be opened at all
            sound, key, reason = "", "", _without_path(error)
        return Label(clip.id, "failed", sound, key, self.provider, self.model, reason=reason)

    def _ask(self, clip: ClipToLabel, draft: Label, measured: ClipMeasurements) -> Label:
        assert self.listener is not None
        audio, span = listen(clip.ref, measured.seconds)
        if span[1] - span[0] < measured.seconds:
            draft = replace(draft, heard=span)
        question = Question(self.system, about_clip(measured, clip.tags, span), audio)
        answer = self.listener.answer(question)
        try:
            recaption = parse_answer(answer, clip.lyrics)
        except UnusableAnswerError as error:
            answer = self.listener.answer(question.again(answer, str(error)))
            try:
                recaption = parse_answer(answer, clip.lyrics)
            except UnusableAnswerError as still:
                reason = msg("the answer cannot be used: {reason}", reason=still.reason)
                return replace(draft, status="needs_review", reason=reason, answer=answer)
        return _finished(draft, clip, measured, recaption)


def _finished(draft: Label, clip: ClipToLabel, measured: ClipMeasurements, recaption: Recaption | None) -> Label:
    tags = clip.tags or tuple(built_tags(measured, recaption))
    if not tags:
        reason = msg("neither tempo nor key nor character of this clip is clear enough for a tag")
        return replace(draft, status="needs_review", reason=reason)
    tags_from: TagsFrom = "user" if clip.tags else "model" if recaption else "measured"
    record = with_measured(recaption, measured).model_dump() if recaption else None
    return replace(draft, status="ok", tags=tags, tags_from=tags_from, recaption=record)


def _seconds(clip: ClipToLabel) -> float:
    seconds = probe(clip.ref.path).seconds
    return (seconds if clip.ref.end is None else min(clip.ref.end, seconds)) - clip.ref.start


def _too_short(seconds: float) -> Message:
    return msg("{seconds:.2f} s are too short to label (at least {shortest:g} s)", seconds=seconds, shortest=SHORTEST_S)


def _without_path(error: TunesmithError) -> Message:
    """The failure without its path, which the label has already."""
    return with_remedy(error.what, error.remedy)
