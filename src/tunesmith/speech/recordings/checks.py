"""Checks of spoken clips: their words, their pace, their noise, their pauses and who speaks."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from statistics import median

from tunesmith.data.checks.context import Check, CheckContext, CheckedClip
from tunesmith.data.checks.file_name_texts import shortened
from tunesmith.data.sample import speaker
from tunesmith.data.workers import TRIES, WorkerDied
from tunesmith.ears.catalogue import WHISPER_TINY_EN, install_command
from tunesmith.records.findings import Finding
from tunesmith.speech.error_rate import error_rate
from tunesmith.speech.recordings.assignment import assignments
from tunesmith.speech.recordings.facts import SpokenFacts
from tunesmith.speech.recordings.measure import Listener
from tunesmith.speech.recordings.voices import odd_voices
from tunesmith.speech.syllables import spoken_length, syllables
from tunesmith.texts import msg

_FEWEST_SYLLABLES = 6
"""A shorter text may be said at any pace."""
_FEW_SYLLABLES, _POWER_OF_FEW = 8, 1.5
"""One under this is allowed the limit to that power."""
_FEWEST_CLIPS = 4


def spoken_checks(listener: Listener) -> Check:
    """One check that listens to every recording and tells all that is wrong with what is said in it."""

    def check(context: CheckContext) -> Iterator[Finding]:
        heard = listener.hear(context)
        listened = listener.transcriber is not None
        yield from unheard(listener.lost)
        if context.transcripts:
            yield from transcripts(context, heard)
            yield from paces(context, heard, listened=listened)
            yield from assignments(context, heard)
        yield from floors(context, heard)
        yield from pauses(context, heard)
        yield from odd_voices(context, heard, listener.voice)

    return check


def unheard(lost: Mapping[str, WorkerDied]) -> Iterator[Finding]:
    """Warning where nobody could listen."""
    for clip, died in lost.items():
        yield Finding(
            check="unheard",
            level="warn",
            clip=clip,
            message=msg(
                "the process that listened to it was ended from outside or crashed, {tries} times (exit code {code}); "
                "words, pace and voice of this clip are not checked",
                tries=TRIES,
                code=died.code,
            ),
            remedy=msg("See with data.workers=1 what happens; often there is too little memory."),
        )


def transcripts(context: CheckContext, heard: Mapping[str, SpokenFacts]) -> Iterator[Finding]:
    """Warning where more than ``word_errors`` of a text is not what Whisper hears."""
    limit = context.limits.word_errors
    for clip, facts in _clips(context, heard):
        if facts.transcript is None:
            continue
        wrong = error_rate(_text(clip), facts.transcript)
        if not wrong.length or not math.isfinite(wrong.rate) or wrong.rate <= limit:
            continue
        yield Finding(
            check="transcript",
            level="warn",
            clip=clip.sample.id,
            message=msg(
                "its text and its recording differ: {errors} errors in {length} words or characters ({rate:.0%}, over "
                "{limit:.0%}); {ears} hears “{heard}”",
                errors=wrong.errors,
                length=wrong.length,
                rate=wrong.rate,
                limit=limit,
                ears=facts.ears,
                heard=shortened(facts.transcript),
            ),
            value=100 * wrong.rate,
            limit=100 * limit,
            unit="%",
            remedy=msg("Write down what is said, word for word, or cut the recording to its text."),
        )


def paces(context: CheckContext, heard: Mapping[str, SpokenFacts], *, listened: bool) -> Iterator[Finding]:
    """Warning where a text is too long or too short for its recording, by the pace of the speaker's other clips."""
    limit = context.limits.speech_rate_ratio
    groups: dict[str, list[tuple[CheckedClip, float, int]]] = defaultdict(list)
    for clip, facts in _clips(context, heard):
        count = syllables(_text(clip))
        if count >= _FEWEST_SYLLABLES and facts.spoken > 0:
            groups[speaker(clip.sample)].append((clip, spoken_length(_text(clip)) / facts.spoken, count))
    for group in groups.values():
        long = [rate for _, rate, count in group if count >= _FEW_SYLLABLES]
        if len(long) < _FEWEST_CLIPS:
            continue
        usual = median(long)
        for clip, rate, count in group:
            most = limit if count >= _FEW_SYLLABLES else round(limit**_POWER_OF_FEW, 2)
            wrong = heard[clip.sample.id].transcript
            if max(rate / usual, usual / rate) > most and (
                wrong is None or error_rate(_text(clip), wrong).rate > context.limits.word_errors
            ):
                yield _pace(clip, rate, usual, most, listened=listened)


def _pace(clip: CheckedClip, rate: float, usual: float, limit: float, *, listened: bool) -> Finding:
    known = {"rate": rate, "usual": usual, "limit": limit}
    fast = rate > usual
    return Finding(
        check="speech_rate",
        level="warn",
        clip=clip.sample.id,
        message=msg(
            "its text is too long for its recording: {rate:.1f} syllables a second, where the speaker's clips have "
            "{usual:.1f} (over {limit:g} times as many); words are missing in the sound, or too many stand in the text",
            **known,
        )
        if fast
        else msg(
            "its text is too short for its recording: {rate:.1f} syllables a second, where the speaker's clips have "
            "{usual:.1f} (over {limit:g} times as many); something is said twice, or words are missing in the text",
            **known,
        ),
        value=rate,
        limit=usual * limit if fast else usual / limit,
        unit="syllables/s",
        remedy=msg("Write down what is said, word for word, or cut the recording to its text.")
        if listened
        else msg(
            "Hold its text against it; with Whisper's weights (`options.whisper`, or `{command}`) the check hears "
            "the words.",
            command=install_command(WHISPER_TINY_EN),
        ),
    )


def floors(context: CheckContext, heard: Mapping[str, SpokenFacts]) -> Iterator[Finding]:
    """Warning where the moments between words are nearly as loud as the words."""
    limit = context.limits.speech_floor_db
    for clip, facts in _clips(context, heard):
        if math.isfinite(facts.floor_db) and facts.floor_db > limit:
            yield Finding(
                check="noisy_speech",
                level="warn",
                clip=clip.sample.id,
                message=msg(
                    "noise or music lies under its speech: the moments between words are only {floor:.0f} dB quieter "
                    "than the words, under {limit:.0f} dB",
                    floor=-facts.floor_db,
                    limit=-limit,
                ),
                value=facts.floor_db,
                limit=limit,
                unit="dB",
                remedy=msg("Use a cleaner recording, or a speech enhancer; the voice would be learnt with its noise."),
            )


def pauses(context: CheckContext, heard: Mapping[str, SpokenFacts]) -> Iterator[Finding]:
    """Warning for a pause over ``gap_seconds`` that is not as silent as the check of gaps asks for."""
    limit = context.limits.gap_seconds
    for clip, facts in _clips(context, heard):
        told = any(each.pause > limit for each in clip.facts.values())
        if facts.pause > limit and not told:
            yield Finding(
                check="gap",
                level="warn",
                clip=clip.sample.id,
                message=msg(
                    "nobody speaks for {seconds:.1f} s in its middle, from {start:.1f} s on; over {limit:g} s",
                    seconds=facts.pause,
                    start=facts.pause_start,
                    limit=limit,
                ),
                value=facts.pause,
                limit=limit,
                unit="s",
                remedy=msg("Cut it into two clips there, or shorten the pause: it would be learnt with the speech."),
            )


def _clips(context: CheckContext, heard: Mapping[str, SpokenFacts]) -> Iterator[tuple[CheckedClip, SpokenFacts]]:
    for clip in context.clips:
        if clip.sample.id in heard:
            yield clip, heard[clip.sample.id]


def _text(clip: CheckedClip) -> str:
    return clip.sample.texts.get("caption", "")
