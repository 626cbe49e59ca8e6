"""``comparison_results.json``: base against adapter, as the evaluate stage writes it and the report reads it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from tunesmith.records.comparison_migration import from_pairs_of_languages
from tunesmith.records.loss_probes import LossProbes
from tunesmith.records.record import Number, Part, Record, Said
from tunesmith.records.run_finding import Cause, ClipVerdict, RunFinding
from tunesmith.records.sound_comparison import SoundComparison
from tunesmith.records.speech_comparison import SpeechComparison

Direction = Literal["towards", "away", "unchanged"]
Signals = dict[str, Number]
"""What was measured, by the names of ``evaluation/signals.py``."""


class ComparisonSettings(Part):
    """What was generated, and with what.

    Attributes:
        seconds: Length asked for; ``None`` for speech, whose text decides it.
        seed: Of the first prompt; every further one has the next.
        guidance: ``None`` where the recipe does not set it and the family's default was used.
        adapter: The adapter's folder.
        base: The base model.
        sample_rate: Of what was generated, in Hz.
    """

    seconds: Number
    seed: int
    guidance: Number
    adapter: str
    base: str
    sample_rate: int


class ComparedSide(Part):
    """What one of the two models made of a prompt.

    Attributes:
        file: Relative to the folder of the record, as all files here.
        signals: What was measured.
        heard: The transcript of speech; ``None`` without a transcriber.
        verdicts: What is wrong with it.
    """

    file: str
    signals: Signals
    heard: str | None = None
    verdicts: tuple[ClipVerdict, ...] = ()


class ComparedStrength(Part):
    """What the adapter made of a prompt at a strength other than 0 and 1."""

    scale: float
    output: ComparedSide


class ComparedPrompt(Part):
    """One prompt and what was made of it; ``reference`` is the true recording, ``source`` the prompt's own audio.

    ``strengths`` are there for a few prompts; files of before have none.
    """

    prompt: str
    kind: str
    seed: int
    base: ComparedSide | None
    lora: ComparedSide
    reference: str | None
    edit_type: str | None = None
    edit_info: str | None = None
    source: str | None = None
    strengths: tuple[ComparedStrength, ...] = ()


class ReferenceResult(Part):
    """One of the user's own clips, measured after the model's codec; ``file`` where it stands beside a prompt."""

    clip: str
    file: str | None
    signals: Signals
    heard: str | None = None


class LossSummary(Part):
    """A held-out loss and its terms."""

    loss: Number
    terms: dict[str, Number] = Field(default_factory=dict)


class BaseStyleLosses(Part):
    """Losses of base and adapter on prompts in the base's own style."""

    base: Number
    adapter: Number


class ComparedLosses(Part):
    """Losses of both models on the same batches; ``random`` is that of a uniform guess, where there is one.

    ``probes`` are further ones; files of before have none.
    """

    base: LossSummary
    adapter: LossSummary
    base_style: BaseStyleLosses | None
    random: Number
    probes: LossProbes | None = None


class FeatureResult(Part):
    """Medians of one feature over all prompts, and whether it moved towards the user's own clips.

    ``name`` is the signal's; files of before format 1 have none.
    """

    name: str = ""
    title: Said
    unit: str
    base: Number
    adapter: Number
    reference: Number
    direction: Direction


class CodecCeiling(Part):
    """How the user's clips sound after the codec alone, in the median over ``clips``."""

    snr_db: Number
    bandwidth_hz: Number
    clips: int


class RunVerdict(Part):
    """Three sentences to take away; ``worse`` is ``None`` where nothing got worse, ``next`` is the advice alone.

    ``causes`` lie behind what is worse, the one that explains most first; files of before have none.
    """

    learnt: Said
    worse: Said | None
    next: Said
    causes: tuple[Cause, ...] = ()


class Comparison(Record):
    """The whole of ``comparison_results.json``; ``speech`` is there for families that speak, ``sound`` for music."""

    settings: ComparisonSettings
    prompts: tuple[ComparedPrompt, ...]
    reference: tuple[ReferenceResult, ...]
    losses: ComparedLosses | None
    findings: tuple[RunFinding, ...]
    features: tuple[FeatureResult, ...]
    codec: CodecCeiling | None
    verdict: RunVerdict
    speech: SpeechComparison | None = None
    sound: SoundComparison | None = None

    @classmethod
    def migrate(cls, data: dict[str, Any], version: int) -> dict[str, Any]:
        """Files of version 0 had every sentence in two fields, English and Chinese."""
        return from_pairs_of_languages(data)
