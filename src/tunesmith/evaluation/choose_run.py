"""Runs or checkpoints held against each other: which to keep and why, or that it cannot be told."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tunesmith.data.content import weights_digest
from tunesmith.evaluation.judge import Contender, Ruling, difference, judge
from tunesmith.records.comparison import Comparison
from tunesmith.records.loss_probes import ClipLoss
from tunesmith.records.run_finding import ClipVerdict, RunFinding
from tunesmith.records.runs_compared import Choice, ComparedRun, RunsCompared
from tunesmith.texts import Message, msg

_BY_EARS = frozenset({"voice_lost", "wrong_words", "skipped_clause", "repeated_clause"})
"""Faults of speech that are told by the likeness of voices, or by words that were heard."""
_Found = TypeVar("_Found", ClipVerdict, RunFinding)


@dataclass(frozen=True)
class Evaluated:
    """A run or checkpoint by name, with the record of its evaluation."""

    name: str
    comparison: Comparison

    @property
    def loss(self) -> float:
        """Held-out loss with the adapter; infinite where it is not known."""
        losses = self.comparison.losses
        found = losses.adapter.loss if losses else None
        return found if found is not None and math.isfinite(found) else math.inf

    @property
    def broken(self) -> list[Message]:
        """Faults that make the outputs unusable, and that the base does not have as often."""
        return [finding.title for finding in self.comparison.findings if finding.kind == "broken"]

    @property
    def contender(self) -> Contender:
        """What it is judged by."""
        return Contender(self.name, self.loss, self.clips, tuple(self.broken))

    @property
    def ears(self) -> tuple[str, ...]:
        """What measured speech; empty for music."""
        return self.comparison.speech.ears if self.comparison.speech else ()

    @property
    def base(self) -> str:
        """The base model by its content where it is a folder, for copies of one are the same; else by its name."""
        path = self.comparison.settings.base
        return weights_digest(Path(path)) if Path(path).is_dir() else path

    @property
    def distance_ears(self) -> tuple[str, ...] | None:
        """What told the distance to the clips beside plain statistics; ``None`` where none was told."""
        sound = self.comparison.sound
        return sound.ears if sound and sound.adapter else None

    def without_ears(self) -> Evaluated:
        """The same without the faults that hang on what measured speech."""
        record = self.comparison
        prompts = [
            p.model_copy(
                update={"lora": p.lora.model_copy(update={"verdicts": tuple(_by_any_ear(p.lora.verdicts))})},
            )
            for p in record.prompts
        ]
        findings = tuple(_by_any_ear(record.findings))
        return Evaluated(self.name, record.model_copy(update={"prompts": tuple(prompts), "findings": findings}))

    @property
    def clips(self) -> Mapping[str, float]:
        """Held-out loss of every clip that was measured alone."""
        probes = self.comparison.losses.probes if self.comparison.losses else None
        each: Sequence[ClipLoss] = probes.each_held_out if probes else ()
        return {one.clip: one.adapter for one in each if one.adapter is not None and math.isfinite(one.adapter)}


def compare_runs(evaluated: Sequence[Evaluated]) -> RunsCompared:
    """All of them side by side, the one to keep first.

    Args:
        evaluated: At least two.
    """
    if len({one.ears for one in evaluated}) > 1:
        evaluated = [one.without_ears() for one in evaluated]
    of_contender = {id(contender := one.contender): (contender, one) for one in evaluated}
    ruling = judge([contender for contender, _ in of_contender.values()])
    ordered = [of_contender[id(contender)][1] for contender in ruling.ordered]
    rows = (_row(one, distance=not _unlike_distances(ordered)) for one in ordered)
    return RunsCompared(runs=tuple(rows), choice=_choose(ruling), notes=tuple(_notes(ordered)))


def _by_any_ear(found: Iterable[_Found]) -> Iterator[_Found]:
    return (each for each in found if each.name not in _BY_EARS)


def _choose(ruling: Ruling) -> Choice:
    best = ruling.first
    if best is None:
        faults = ruling.ordered[0].faults
        if faults:
            return Choice(sentence=msg("None of them: the outputs of all are broken ({faults}).", faults=list(faults)))
        return Choice(sentence=msg("It cannot be told: none of them has a held-out loss."))
    if ruling.rivals:
        names = tuple(one.name for one in ruling.rivals)
        sentence = msg(
            "It cannot be told: the held-out loss of {best} ({loss:.3f}) is not clearly lower than that of {rivals} "
            "({other:.3f}). Listen to both (tunesmith listen), or hold out more clips.",
            best=best.name,
            loss=best.loss,
            rivals=names,
            other=ruling.rivals[0].loss,
        )
        return Choice(sentence=sentence, rivals=(best.name, *names))
    return Choice(name=best.name, sentence=_why(best, ruling.ordered[1:]))


def _why(best: Contender, others: Sequence[Contender]) -> Message:
    broken = [one.name for one in others if one.faults]
    sound = [one for one in others if not one.faults]
    if not sound:
        return msg("Keep {best}: the outputs of {broken} are broken.", best=best.name, broken=broken)
    found = difference(best, sound[0])
    return msg(
        "Keep {best}: its held-out loss is {loss:.3f}, that of {next} {other:.3f} ({low:+.3f} to {high:+.3f} over "
        "{clips} clips, 90 %).",
        best=best.name,
        loss=best.loss,
        next=sound[0].name,
        other=sound[0].loss,
        low=found.low,
        high=found.high,
        clips=found.n,
    )


def _notes(ordered: Sequence[Evaluated]) -> list[Message]:
    """What makes them hard to compare."""
    first, notes = ordered[0], []
    if any(set(one.clips) != set(first.clips) for one in ordered):
        notes.append(msg("They do not hold out the same clips; losses are compared on those that both hold out."))
    if any(_asked(one) != _asked(first) for one in ordered):
        notes.append(
            msg("They were not evaluated on the same prompts and seeds; their faults are of different outputs.")
        )
    if any(one.ears != first.ears for one in ordered):
        notes.append(
            msg(
                "Their speech was measured by different ears ({ears}), so that voices and words are not held against "
                "each other; evaluate them again where the same ears are.",
                ears=tuple(f"{one.name}: {', '.join(one.ears)}" for one in ordered),
            )
        )
    if _unlike_distances(ordered):
        notes.append(
            msg(
                "Their distances to your clips were told by different ears and are not held against each other; "
                "evaluate them again where the same ears are."
            )
        )
    if len({one.base for one in ordered}) > 1:
        notes.append(msg("They have different base models."))
    return notes


def _asked(one: Evaluated) -> list[tuple[str, int]]:
    return [(prompt.prompt, prompt.seed) for prompt in one.comparison.prompts]


def _unlike_distances(several: Sequence[Evaluated]) -> bool:
    """Whether different ears told the distances to the clips."""
    return len({one.distance_ears for one in several if one.distance_ears is not None}) > 1


def _row(one: Evaluated, *, distance: bool) -> ComparedRun:
    record = one.comparison
    losses = record.losses
    style = losses.base_style if losses else None
    change = losses.probes.change if losses and losses.probes else None
    forgetting = style.adapter - style.base if style and None not in (style.adapter, style.base) else None  # type: ignore[operator]
    return ComparedRun(
        name=one.name,
        adapter=record.settings.adapter,
        base_loss=losses.base.loss if losses else None,
        loss=losses.adapter.loss if losses else None,
        forgetting=forgetting,
        moved=change.median if change else None,
        distance=record.sound.adapter.value if distance and record.sound and record.sound.adapter else None,
        flagged=sum(bool(prompt.lora.verdicts) for prompt in record.prompts),
        outputs=len(record.prompts),
        broken=tuple(one.broken),
        causes=tuple(cause.title for cause in record.verdict.causes),
    )
