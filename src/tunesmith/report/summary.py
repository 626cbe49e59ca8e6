"""The top of the page: the verdict in words, or what is still to be done, and the numbers that carry it."""

from __future__ import annotations

from dataclasses import dataclass

from tunesmith.report.charts import best_update
from tunesmith.report.gather import ReportData
from tunesmith.report.numbers import UNKNOWN, change, duration, loss, real
from tunesmith.report.texts import verbatim
from tunesmith.texts import Message, msg


@dataclass(frozen=True)
class SummaryCard:
    """One headline number."""

    label: Message
    value: Message
    note: Message | None = None


@dataclass(frozen=True)
class Sentence:
    """One of the three sentences: its heading, what it says, and how it looks (``learnt``, ``worse``, ``next``)."""

    heading: Message
    said: Message
    look: str = ""


def verdict(material: ReportData) -> list[Sentence]:
    """What was learnt, what got worse and what to do next; empty for a run that was not evaluated."""
    if material.comparison is None:
        return []
    given = material.comparison.verdict
    nothing = msg("Nothing that these measurements can see. Listen before you believe it.")
    return [
        Sentence(msg("What was learnt"), given.learnt, "learnt"),
        Sentence(msg("What got worse"), given.worse or nothing, "worse" if given.worse else ""),
        Sentence(msg("What to do next"), given.next, "next"),
    ]


def state(material: ReportData) -> tuple[Message, str]:
    """How far an unevaluated run is, and the command that takes it further."""
    trained = material.folder.best.exists() or material.folder.final.exists()
    lines = material.metrics.train
    if _finished(material) or (trained and not lines):
        done = msg("Training is done. Whether it worked is not known yet: base and adapter have not been compared.")
        return done, f"tunesmith evaluate {material.target}"
    go_on = f"tunesmith run {material.target}"
    if lines:
        reached = msg(
            "Training has reached update {update} and has not finished: it is under way, or was interrupted.",
            update=lines[-1].update,
        )
        return reached, go_on
    if material.findings is None:
        return msg("Nothing has been done yet in this folder."), go_on
    return msg("The clips have been checked. Nothing has been trained yet."), go_on


def cards(material: ReportData) -> list[SummaryCard]:
    """The headline numbers that this run has."""
    made = [_loss(material), _best(material), _flags(material), _clips(material), _time(material)]
    return [card for card in made if card is not None]


def _finished(material: ReportData) -> bool:
    train = material.stages.get("train")
    ended = any(event.name in ("finished", "early_stop") for event in material.metrics.events)
    return ended or (train is not None and train.status == "done")


def _loss(material: ReportData) -> SummaryCard | None:
    losses = material.comparison.losses if material.comparison else None
    if losses is not None:
        label, before, after = msg("Held-out loss, base → adapter"), losses.base.loss, losses.adapter.loss
    else:
        valid = [line for line in material.metrics.valid if real(line.loss) is not None]
        best = best_update(valid)
        if best is None:
            return None
        label, before, after = msg("Held-out loss, first → best"), valid[0].loss, best.loss
    return SummaryCard(label, verbatim(f"{loss(before)} → {loss(after)}"), verbatim(change(before, after)))


def _best(material: ReportData) -> SummaryCard | None:
    best = best_update(material.metrics.valid)
    if best is None:
        return None
    train = material.metrics.train
    note = msg("of {n}", n=train[-1].update) if train else None
    return SummaryCard(msg("Best update"), verbatim(best.update), note)


def _flags(material: ReportData) -> SummaryCard | None:
    prompts = material.comparison.prompts if material.comparison else ()
    if not prompts:
        return None
    base = [bool(prompt.base.verdicts) for prompt in prompts if prompt.base]
    adapter = [bool(prompt.lora.verdicts) for prompt in prompts]
    shares = [f"{sum(flags)}/{len(flags)}" if flags else UNKNOWN for flags in (base, adapter)]
    return SummaryCard(msg("Outputs with a flag, base → adapter"), verbatim(" → ".join(shares)))


def _clips(material: ReportData) -> SummaryCard | None:
    found = material.findings
    if found is None:
        return None
    return SummaryCard(msg("Clips used"), verbatim(found.kept), msg("{n} quarantined", n=len(found.quarantined)))


def _time(material: ReportData) -> SummaryCard | None:
    train = material.stages.get("train")
    seconds = train.seconds if train else None
    if seconds is None:
        times = [t for line in material.metrics.train if (t := real(line.time)) is not None]
        seconds = max(times, default=None)
    return None if seconds is None else SummaryCard(msg("Training time"), verbatim(duration(seconds)))
