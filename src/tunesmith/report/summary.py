"""The top of the page: the verdict in words, or what is still to be done, and the numbers that carry it."""

from __future__ import annotations

from dataclasses import dataclass

from tunesmith.report.charts import best_update
from tunesmith.report.gather import ReportData, part, records
from tunesmith.report.numbers import UNKNOWN, change, count, duration, loss, real
from tunesmith.report.texts import Both, both, same, say


@dataclass(frozen=True)
class Card:
    """One headline number."""

    label: Both
    value: Both
    note: Both | None = None


def verdict(material: ReportData) -> list[tuple[str, Both, bool]]:
    """(``targets`` | ``worse`` | ``next``, sentence, whether it is bad news); empty for a run without a verdict."""
    given = part(material.comparison, "verdict")
    learnt, worse, following = (both(given, key) for key in ("learnt", "worse", "next"))
    following = _without_lead(following)
    if learnt is None:
        return []
    said = [("learnt", learnt, False), ("worse", worse or say("worse_none"), worse is not None)]
    return [*said, ("next", following, False)] if following else said


def _without_lead(words: Both | None) -> Both | None:
    """The advice without the word that leads it in on a terminal: the page has a heading for that."""
    if words is None:
        return None
    en, zh = words.en.removeprefix("Next: "), words.zh.removeprefix("下一步：")
    return Both(en[:1].upper() + en[1:], zh)


def state(material: ReportData) -> tuple[Both, str]:
    """How far an unevaluated run is, and the command that takes it further."""
    trained = material.folder.best.exists() or material.folder.final.exists()
    if material.comparison is not None:
        return say("verdict_none"), f"tunesmith evaluate {material.target}"
    if _finished(material) or (trained and not material.lines("train")):
        return say("state_trained"), f"tunesmith evaluate {material.target}"
    go_on = f"tunesmith run {material.target}"
    if material.lines("train"):
        return say("state_training", update=material.lines("train")[-1]["update"]), go_on
    return say("state_empty" if material.findings is None else "state_checked"), go_on


def cards(material: ReportData) -> list[Card]:
    """The headline numbers that this run has."""
    made = [_loss(material), _best(material), _flags(material), _clips(material), _time(material)]
    return [card for card in made if card is not None]


def _finished(material: ReportData) -> bool:
    ended = any(event.get("name") in {"finished", "early_stop"} for event in material.lines("event"))
    return "train" in material.stages or ended


def _loss(material: ReportData) -> Card | None:
    losses = part(material.comparison, "losses")
    before, after = (real(part(losses, side).get("loss")) for side in ("base", "adapter"))
    label = say("head_loss")
    if before is None and after is None:
        valid = [record for record in material.lines("valid") if real(record.get("loss")) is not None]
        best = best_update(valid)
        if best is None:
            return None
        before, after, label = valid[0]["loss"], best["loss"], say("head_loss_run")
    return Card(label, same(f"{loss(before)} → {loss(after)}"), same(change(before, after)))


def _best(material: ReportData) -> Card | None:
    best = best_update(material.lines("valid"))
    if best is None:
        return None
    train = material.lines("train")
    return Card(say("head_best"), same(best["update"]), say("head_best_of", n=train[-1]["update"]) if train else None)


def _flags(material: ReportData) -> Card | None:
    prompts = records((material.comparison or {}).get("prompts"))
    shares = []
    for side in ("base", "lora"):
        flags = [bool(part(prompt, side).get("verdicts")) for prompt in prompts if part(prompt, side)]
        shares.append(f"{sum(flags)}/{len(flags)}" if flags else UNKNOWN)
    return None if shares[1] == UNKNOWN else Card(say("head_flags"), same(" → ".join(shares)))


def _clips(material: ReportData) -> Card | None:
    if material.findings is None:
        return None
    kept, removed = count(material.findings.get("kept")), count(material.findings.get("quarantined"))
    return Card(say("head_clips"), same(UNKNOWN if kept is None else kept), say("head_quarantined", n=removed or 0))


def _time(material: ReportData) -> Card | None:
    seconds = material.stages.get("train", {}).get("seconds")
    if real(seconds) is None:
        times = [t for line in material.lines("train") if (t := real(line.get("time"))) is not None]
        seconds = max(times, default=None)
    return None if seconds is None else Card(say("head_time"), same(duration(seconds)))
