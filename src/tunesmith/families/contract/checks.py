"""Role checks: what a family checks in samples before they are encoded."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tunesmith.data.augmented import Augmented
from tunesmith.data.sample import Sample
from tunesmith.records.findings import Finding
from tunesmith.speech.tools import SpeechTools
from tunesmith.texts import Message


class Checks:
    """Checks that only this family needs; none by default."""

    def validate_samples(self, samples: Sequence[Sample]) -> None:
        """Refuse a dataset with a sample that asks for something impossible, before anything is measured.

        Raises:
            TunesmithError: naming the sample or its line.
        """
        return

    def suited_options(self, samples: Sequence[Sample]) -> Mapping[str, tuple[Any, str]]:
        """Options that suit a new run's clips as they were read, where the user sets none: the value and its reason."""
        return {}

    def add_prompts(self, samples: Sequence[Sample], seed: int, warned: Collection[str] = ()) -> Augmented:
        """Add what samples need for training and lack (a voice prompt, a transcript); they have been split already.

        Args:
            samples: Those that passed the checks.
            seed: Decides what is drawn.
            warned: Ids of samples that a check has warned of, which are the last to become another's prompt.
        """
        return Augmented(samples)

    def text_findings(self, sample: Sample) -> list[Finding]:
        """Findings of the family's tokenisers about a sample's texts (lyrics that will be cut, unknown tags)."""
        return []

    def request_notes(self, kind: str, text: str, source_seconds: float | None) -> list[Message]:
        """What to expect of speech that is asked for, before it is generated.

        Args:
            kind: The edit's type, or ``clone``.
            text: What is to be said.
            source_seconds: Length of the recording that was named, if one was.
        """
        return []

    def unk_ratio(self, text: str) -> float:
        """Share of a text other than lyrics (0..1) that the family's text encoder cannot represent."""
        return 0.0

    def speech_tools(self) -> SpeechTools | None:
        """What speech is measured with; ``None`` for music. Cheap to call: models are loaded when they are used."""
        return None
