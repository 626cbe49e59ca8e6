"""Role checks: what a family has to say about samples before they are encoded."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.data.augmented import Augmented
from tunesmith.data.sample import Sample
from tunesmith.records.findings import Finding
from tunesmith.speech.tools import SpeechTools


class Checks:
    """Checks of a family's own; nothing by default."""

    def validate_samples(self, samples: Sequence[Sample]) -> None:
        """Refuse a set with a :class:`TunesmithError` at what no sample may ask for, before anything is measured."""
        return

    def add_prompts(self, samples: Sequence[Sample], seed: int) -> Augmented:
        """Add what samples lack to be trained on (a voice prompt, a transcript); their split is known."""
        return Augmented(samples)

    def text_findings(self, sample: Sample) -> list[Finding]:
        """What the family's own tokenisers have to say about a sample's texts (lyrics that will be cut, odd tags)."""
        return []

    def unk_ratio(self, text: str) -> float:
        """Share of a text other than lyrics (0..1) that the family's text encoder cannot represent."""
        return 0.0

    def speech_tools(self) -> SpeechTools | None:
        """What speech is measured with; ``None`` for music. Asked often: what it names is loaded when it is used."""
        return None
