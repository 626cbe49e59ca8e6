"""What a check gets to see: every clip with its facts, the limits, and which clips sound alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tunesmith.data.checks.facts import ClipFacts
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.data.sample import PROMPT, Sample
from tunesmith.records.findings import Finding
from tunesmith.texts import Message, msg

if TYPE_CHECKING:
    from tunesmith.data.altered_copies import AlteredCopy


@dataclass(frozen=True)
class CheckedClip:
    """A sample and the facts of each of its audios."""

    sample: Sample
    facts: Mapping[str, ClipFacts]

    @property
    def content(self) -> tuple[tuple[str, str], ...]:
        """Hashes of the audios it teaches by role; equal for identical sound, empty when one was not decoded."""
        hashes = tuple(sorted((role, facts.content) for role, facts in self.facts.items() if role != PROMPT))
        return hashes if all(content for _, content in hashes) else ()

    @property
    def request(self) -> tuple[object, ...]:
        """What its sound is the answer to, where it answers something: the prompt's sound, the texts, the edit."""
        if PROMPT not in self.facts:
            return ()
        edit = [self.sample.attributes.get(name) for name in ("edit_type", "edit_info")]
        return (self.facts[PROMPT].content, *sorted(self.sample.texts.items()), *edit)


@dataclass(frozen=True)
class Audio:
    """One audio of one clip, with the words that name it in a sentence; a prompt is listened to, not learnt."""

    clip: str
    facts: ClipFacts
    subject: Message
    is_target: bool = True


@dataclass(frozen=True)
class CheckContext:
    """Everything the checks read; they decide nothing but what they find.

    Attributes:
        clips: All clips, in the order of the layout.
        limits: The limits.
        similar: Pairs of clip ids that sound alike, with their score (0..1), first id earlier in the set.
        altered: Pairs of which the later one is the earlier at another pitch or speed.
        unk_ratio: Share of a text's tokens that the text encoder does not know, if the family can tell.
        text_findings: What else the family has to say about a sample's texts.
        model_sample_rate: Rate of the model in Hz; bandwidth above its Nyquist frequency is not missed.
        transcripts: Whether texts say what is spoken; the family itself tells what is wrong with those.
    """

    clips: tuple[CheckedClip, ...]
    limits: CheckLimits
    similar: tuple[tuple[str, str, float], ...] = ()
    altered: tuple[AlteredCopy, ...] = ()
    unk_ratio: Callable[[str], float] | None = None
    text_findings: Callable[[Sample], Sequence[Finding]] | None = None
    model_sample_rate: int = 32_000
    transcripts: bool = False
    by_id: Mapping[str, CheckedClip] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_id", {clip.sample.id: clip for clip in self.clips})

    def audios(self) -> Iterator[Audio]:
        """Every audio of every clip."""
        for clip in self.clips:
            for role, facts in clip.facts.items():
                several = len(clip.facts) > 1
                subject = msg("this clip's `{role}` audio", role=role) if several else msg("this clip")
                yield Audio(clip.sample.id, facts, subject, role != PROMPT)

    def decoded(self) -> Iterator[Audio]:
        """Every audio to learn from whose sound was measured and is not all silence.

        A prompt may sound as bad as it likes: it may be the noise that is to be taken away.
        """
        return (audio for audio in self.audios() if audio.is_target and audio.facts.decoded and audio.facts.peak > 0)


Check = Callable[[CheckContext], Iterator[Finding]]
