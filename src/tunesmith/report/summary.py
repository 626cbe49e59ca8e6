"""The top of the page: the verdict in words, or what is still to be done, and the numbers that carry it."""

from __future__ import annotations

from dataclasses import dataclass

from tunesmith.records.run_finding import Cause
from tunesmith.report.charts import best_update
from tunesmith.report.gather import ReportData
from tunesmith.report.numbers import UNKNOWN, change, duration, loss, real
from tunesmith.report.texts import verbatim
from tunesmith.texts import Message, all_of, msg


@dataclass(frozen=True)
class SummaryCard:
    """One headline number."""

    label: Message
    value: Message
    note: Message | None = None


@dataclass(frozen=True)
class Sentence:
    """One of the sentences of the verdict.

    Attributes:
        heading: What the sentence is about.
        text: The sentence.
        css_class: Its class in the style sheet: ``learnt``, ``worse``, ``why`` or ``next``.
    """

    heading: Message
    text: Message
    css_class: str = ""


def verdict(data: ReportData) -> list[Sentence]:
    """What was learnt, what got worse, why, and what to do next; empty for a run that was not evaluated."""
    if data.comparison is None:
        return []
    given = data.comparison.verdict
    nothing = msg("Nothing that these measurements can see. Listen before you believe it.")
    return [
        Sentence(msg("What was learnt"), given.learnt, "learnt"),
        Sentence(msg("What got worse"), given.worse or nothing, "worse" if given.worse else ""),
        *(Sentence(msg("Why"), why(cause), "why") for cause in given.causes),
        Sentence(msg("What to do next"), given.next, "next"),
    ]


def why(cause: Cause) -> Message:
    """A cause in words: what it is, and the numbers that speak for it."""
    return msg("{title}: {sentence}", title=cause.title, sentence=cause.sentence)


def state(data: ReportData) -> tuple[Message, str]:
    """How far an unevaluated run is, and the command that takes it further."""
    trained = data.folder.best.exists() or data.folder.final.exists()
    lines = data.metrics.train
    if _finished(data) or (trained and not lines):
        done = msg("Training is done. Whether it worked is not known yet: base and adapter have not been compared.")
        return done, f"tunesmith evaluate {data.target}"
    go_on = f"tunesmith run {data.target}"
    if lines:
        reached = msg(
            "Training has reached update {update} and has not finished: it is under way, or was interrupted.",
            update=lines[-1].update,
        )
        return reached, go_on
    if data.findings is None:
        return msg("Nothing has been done yet in this folder."), go_on
    return msg("The clips have been checked. Nothing has been trained yet."), go_on


def unfinished(data: ReportData) -> Message | None:
    """Which stages were begun and are not done."""
    if not data.unfinished:
        return None
    return msg(
        "Begun and not finished: {stages}. What this page shows of that is the result of the time before.",
        stages=all_of(data.unfinished),
    )


def cards(data: ReportData) -> list[SummaryCard]:
    """The headline numbers that this run has."""
    made = [_loss(data), _best(data), _flags(data), _clips(data), _time(data)]
    return [card for card in made if card is not None]


def _finished(data: ReportData) -> bool:
    train = data.stages.get("train")
    ended = any(event.name in ("finished", "early_stop") for event in data.metrics.events)
    return ended or (train is not None and train.status == "done")


def _loss(data: ReportData) -> SummaryCard | None:
    losses = data.comparison.losses if data.comparison else None
    if losses is not None:
        label, before, after = msg("Held-out loss, base → adapter"), losses.base.loss, losses.adapter.loss
    else:
        valid = [line for line in data.metrics.valid if real(line.loss) is not None]
        best = best_update(valid)
        if best is None:
            return None
        label, before, after = msg("Held-out loss, first → best"), valid[0].loss, best.loss
    return SummaryCard(label, verbatim(f"{loss(before)} → {loss(after)}"), verbatim(change(before, after)))


def _best(data: ReportData) -> SummaryCard | None:
    best = best_update(data.metrics.valid)
    if best is None:
        return None
    train = data.metrics.train
    note = msg("of {n}", n=train[-1].update) if train else None
    return SummaryCard(msg("Best update"), verbatim(best.update), note)


def _flags(data: ReportData) -> SummaryCard | None:
    prompts = data.comparison.prompts if data.comparison else ()
    if not prompts:
        return None
    base = [bool(prompt.base.verdicts) for prompt in prompts if prompt.base]
    adapter = [bool(prompt.lora.verdicts) for prompt in prompts]
    shares = [f"{sum(flags)}/{len(flags)}" if flags else UNKNOWN for flags in (base, adapter)]
    return SummaryCard(msg("Outputs with a flag, base → adapter"), verbatim(" → ".join(shares)))


def _clips(data: ReportData) -> SummaryCard | None:
    found = data.findings
    if found is None:
        return None
    return SummaryCard(msg("Clips used"), verbatim(found.kept), msg("{n} quarantined", n=len(found.quarantined)))


def _time(data: ReportData) -> SummaryCard | None:
    train = data.stages.get("train")
    seconds = train.seconds if train else None
    if seconds is None:
        times = [t for line in data.metrics.train if (t := real(line.time)) is not None]
        seconds = max(times, default=None)
    return None if seconds is None else SummaryCard(msg("Training time"), duration(seconds))
