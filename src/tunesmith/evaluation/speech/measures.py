"""One result of a speaking model compared with its text, its prompt and, where there is one, the true recording."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from tunesmith.audio.resample import resample
from tunesmith.data.load import load
from tunesmith.data.prompt import Prompt
from tunesmith.data.sample import PROMPT, PROMPT_TEXT, AudioRef, Sample, edit_type
from tunesmith.ears.dnsmos import RATE as QUALITY_RATE
from tunesmith.ears.dnsmos import QualityEar, SpeechOpinion
from tunesmith.evaluation.signals import Signals, measure
from tunesmith.evaluation.speech.signals import SpeechSignals
from tunesmith.families.contract import Family
from tunesmith.prompting.spoken import voiced_samples
from tunesmith.run.context import RunContext
from tunesmith.speech.duration import end_db, expected_seconds, floor_db, nuclei, spoken_seconds, stretches
from tunesmith.speech.error_rate import error_rate
from tunesmith.speech.hearing import quality_ear
from tunesmith.speech.repeats import said_again, said_again_seconds
from tunesmith.speech.speaker_vector import VoiceVector, mean_voice, own_limit, similarity, voice_vector
from tunesmith.speech.syllables import clauses, syllables, units
from tunesmith.speech.transcribe import Transcriber, transcriber

SPEAKER_CLIPS = 8
"""Recordings of a speaker that make up the voice results are compared with."""


@dataclass(frozen=True)
class SpeechMeasurement:
    """A measured clip, and what a transcriber heard; ``None`` without one."""

    signals: SpeechSignals
    transcript: str | None


@dataclass(frozen=True)
class SpeechReference:
    """What one prompt's results are compared with.

    ``nuclei`` are the syllables heard in the true recording; over ``voice_limit`` a voice is still the speaker's, where
    the speaker's own recordings are less alike than those of most people.
    """

    text: str
    seconds: float
    target_known: bool
    prompt_voice: np.ndarray | None
    speaker_voice: np.ndarray | None
    nuclei: float = math.nan
    voice_limit: float = math.inf


class SpeechEvaluator:
    """Measures spoken clips; what the results of one prompt are compared with is computed once.

    Args:
        family: Says at which rate recordings are loaded.
        samples: The run's samples, for the speaker's own recordings.
        voice: Tells voices apart.
        transcriber: Hears what is said, where there is one.
        language: What is spoken, where it is known.
        quality: Rates how speech sounds, where it is installed.
    """

    def __init__(
        self,
        family: Family,
        samples: Sequence[Sample],
        voice: VoiceVector,
        transcriber: Transcriber | None = None,
        language: str | None = None,
        quality: QualityEar | None = None,
    ) -> None:
        self.family, self.voice, self.transcriber, self.language = family, voice, transcriber, language
        self.quality, self.samples = quality, samples
        self._vectors: dict[AudioRef, np.ndarray] = {}
        self._references: dict[tuple[str, ...], SpeechReference] = {}

    def measure(self, prompt: Prompt, audio: np.ndarray, rate: int) -> SpeechMeasurement:
        """Measure one clip.

        Args:
            prompt: What was asked for.
            audio: (C, N), full scale ±1.
            rate: In Hz.

        Raises:
            TunesmithError: when a recording of the prompt, or the transcriber, cannot be read.
        """
        reference, plain = self._reference(prompt), measure(audio.T, rate)
        transcript = None
        if self.transcriber is not None and self.transcriber.understands(prompt.text, self.language):
            # Of silence, Whisper makes up words.
            transcript = self.transcriber.transcribe(audio, rate, self.language) if plain.live else ""
        vector = self._embed(audio, rate) if plain.live else None
        signals = spoken_signals(plain, audio, rate, reference, vector, transcript)
        signals = replace(signals, voice_limit=min(self.voice.other_under, reference.voice_limit))
        if self.quality is not None and plain.live:
            rated = opinion(self.quality, audio, rate)
            signals = replace(signals, mos=rated.overall, mos_voice=rated.voice, mos_background=rated.background)
        return SpeechMeasurement(signals, transcript)

    def _reference(self, prompt: Prompt) -> SpeechReference:
        key = (prompt.text, prompt.edit_type, prompt.kind, prompt.voice.id if prompt.voice else "")
        if key not in self._references:
            self._references[key] = self._make_reference(prompt)
        return self._references[key]

    def _make_reference(self, prompt: Prompt) -> SpeechReference:
        if prompt.voice is None:
            return SpeechReference(prompt.text, math.nan, False, None, None)
        rate = self.family.card.facts().sample_rate
        true = prompt.recording
        spoken = self._recording(true) if true else None
        target = None if spoken is None else spoken_seconds(spoken, rate)
        expected = expected_seconds(
            prompt.edit_type,
            prompt.text,
            prompt.texts.get(PROMPT_TEXT, ""),
            spoken_seconds(self._recording(prompt.voice.audios[PROMPT]), rate),
            target,
        )
        voice = self._voice(prompt.voice.audios[PROMPT])
        own, heard = self._speaker_voices(prompt.voice), math.nan if spoken is None else float(nuclei(spoken, rate))
        limit = own_limit(own) if self.voice.spread is not None else math.inf
        return SpeechReference(prompt.text, expected.seconds, expected.known, voice, mean_voice(own), heard, limit)

    def _speaker_voices(self, sample: Sample) -> list[np.ndarray]:
        """The speaker's voice in recordings of the same kind of edit, without the sample's own."""
        speaker, kind = sample.attributes.get("speaker_id"), edit_type(sample.attributes)
        others = [
            s.target
            for s in self.samples
            if s.id != sample.id and s.attributes.get("speaker_id") == speaker and edit_type(s.attributes) == kind
        ]
        known = [ref for ref in others if ref is not None][:SPEAKER_CLIPS]
        return [self._voice(ref) for ref in known]

    def _voice(self, ref: AudioRef) -> np.ndarray:
        if ref not in self._vectors:
            self._vectors[ref] = self._embed(self._recording(ref), self.family.card.facts().sample_rate)
        return self._vectors[ref]

    def _recording(self, ref: AudioRef) -> np.ndarray:
        return load(ref, self.family.card.facts().sample_rate, 1)

    def _embed(self, audio: np.ndarray, rate: int) -> np.ndarray:
        mono = np.nan_to_num(np.atleast_2d(audio).mean(axis=0)).astype(np.float32)
        return np.asarray(self.voice.embed(mono, rate), np.float64)


def spoken_signals(
    plain: Signals,
    audio: np.ndarray,
    rate: int,
    reference: SpeechReference,
    vector: np.ndarray | None,
    transcript: str | None,
) -> SpeechSignals:
    """What speech is judged on, beside the signals of any clip.

    Args:
        plain: Measured on the same audio.
        audio: (C, N), full scale ±1.
        rate: In Hz.
        reference: What was asked for.
        vector: The clip's voice; ``None`` when it is silent.
        transcript: What was heard; ``None`` without a transcriber.
    """
    wrong = error_rate(reference.text, transcript) if transcript is not None else None
    parts = stretches(audio, rate)
    spoken = sum(end - start for start, end in parts)
    count = syllables(reference.text)
    return SpeechSignals(
        **{field.name: getattr(plain, field.name) for field in fields(Signals)},
        error_rate=wrong.rate if wrong else math.nan,
        left_out=float(wrong.gap) if wrong and math.isfinite(wrong.rate) else math.nan,
        text_length=wrong.length if wrong else 0,
        spoken_s=spoken,
        duration_ratio=spoken / reference.seconds if reference.seconds > 0 else math.nan,
        target_known=int(reference.target_known),
        stretches=len(parts),
        clauses=clauses(reference.text),
        floor_db=floor_db(audio, rate),
        nuclei_ratio=nuclei(audio, rate) / reference.nuclei if reference.nuclei > 0 else math.nan,
        said_again=float(said_again(units(reference.text), units(transcript))) if wrong and transcript else math.nan,
        said_again_s=said_again_seconds(audio, rate),
        end_db=end_db(audio, rate),
        speech_rate=count / spoken if count and spoken else math.nan,
        voice_prompt=similarity(vector, reference.prompt_voice),
        voice_own=similarity(vector, reference.speaker_voice),
    )


def opinion(ear: QualityEar, audio: np.ndarray, rate: int) -> SpeechOpinion:
    """How good a clip (C, N) sounds."""
    mono = np.nan_to_num(np.atleast_2d(audio).mean(axis=0, keepdims=True)).astype(np.float32)
    return ear.rate(resample(mono, rate, QUALITY_RATE)[0])


def speech_evaluator_of(context: RunContext, device: str) -> SpeechEvaluator | None:
    """What speech is measured with; ``None`` where the family makes music.

    Raises:
        TunesmithError: when the Whisper weights that the user named are not there, or an installed ear is damaged.
    """
    tools = context.family.checks.speech_tools()
    if tools is None:
        return None
    return SpeechEvaluator(
        context.family,
        voiced_samples(context),
        voice_vector(tools),
        transcriber(tools.whisper, device),
        tools.language,
        quality_ear(),
    )
