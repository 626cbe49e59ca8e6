"""What a whole run is judged on, and what is said about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tunesmith.data.sample import CLONE
from tunesmith.evaluation.diagnosis.rule import Context, Profile, Rule, Verdict
from tunesmith.evaluation.evidence import DataEvidence, TrainingEvidence
from tunesmith.evaluation.reference_stats import Reference
from tunesmith.evaluation.signals import Signals
from tunesmith.records.loss_probes import LossProbes
from tunesmith.records.sound_comparison import SoundComparison


@dataclass(frozen=True)
class Losses:
    """Losses in the family's own unit (nats per token, squared error) on fixed batches; ``None`` where not measured.

    Attributes:
        base_heldout: Base model on the held-out clips.
        adapter_heldout: With the adapter, same batches.
        base_forgetting: Base model on material in the base's own style.
        adapter_forgetting: With the adapter, same batches.
        heldout_clips: How many clips the held-out loss stands on.
        by_type: Of speech, the losses of every held-out clip by edit type: base, adapter.
        probes: Losses on training clips, under other captions and at other strengths.
        base_terms: The base's held-out loss by term.
    """

    base_heldout: float | None = None
    adapter_heldout: float | None = None
    base_forgetting: float | None = None
    adapter_forgetting: float | None = None
    heldout_clips: int = 0
    by_type: Mapping[str, tuple[Sequence[float], Sequence[float]]] = field(default_factory=dict)
    probes: LossProbes | None = None
    base_terms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class RunData:
    """All that the run-level rules may read.

    Attributes:
        base: Outputs of the base model, measured; ``None`` when it was not run.
        adapter: Outputs with the adapter, same prompts and seeds in the same order as ``base``.
        clips: The person's own clips, measured on crops of the same length; may be empty.
        reference: The same clips, summed up.
        losses: Losses of both, when known.
        want_seconds: The length asked for.
        profile: Music or speech.
        kinds: Of speech, the edit type of each output.
        clip_kinds: The same of each of the person's own clips.
        training: How training went and was set, when known.
        data: What the checks found in the clips that were trained on, when known.
        sound: What is heard over all outputs together; ``None`` for speech.
        whole: Whole songs were asked for: as long as the person's own are from beginning to end.
    """

    base: Sequence[Signals] | None
    adapter: Sequence[Signals]
    clips: Sequence[Signals] = ()
    reference: Reference | None = None
    losses: Losses | None = None
    want_seconds: float | None = None
    profile: Profile = "music"
    kinds: Sequence[str] = ()
    clip_kinds: Sequence[str] = ()
    training: TrainingEvidence | None = None
    data: DataEvidence | None = None
    sound: SoundComparison | None = None
    whole: bool = False

    @property
    def pairs(self) -> int:
        """How many outputs can be compared one to one; 0 when base and adapter do not match up."""
        return len(self.adapter) if self.base is not None and len(self.base) == len(self.adapter) else 0

    @property
    def alike(self) -> tuple[Sequence[Signals] | None, Sequence[Signals], Sequence[Signals]]:
        """Base, adapter and clips that can be compared in the mean: of speech cloning alone, where there is any."""
        if CLONE not in self.kinds or CLONE not in self.clip_kinds:
            return self.base, self.adapter, self.clips
        base = None if self.base is None else _clones(self.base, self.kinds)
        return base, _clones(self.adapter, self.kinds), _clones(self.clips, self.clip_kinds)

    def flagged(self, rule: Rule, clips: Sequence[Signals], *, calibrated: bool = True) -> list[Verdict]:
        """The verdicts of one rule over some clips, with or without the reference's limits and excuses."""
        context = Context(self.want_seconds, self.profile, self.reference if calibrated else None, self.whole)
        verdicts = [rule.check(clip, context) for clip in clips]
        return [verdict for verdict in verdicts if verdict is not None]


def _clones(clips: Sequence[Signals], kinds: Sequence[str]) -> list[Signals]:
    return [clip for clip, kind in zip(clips, kinds, strict=True) if kind == CLONE]
