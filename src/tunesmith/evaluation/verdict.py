"""Three sentences that a person takes away: what was learnt, what got worse, what to do next."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.evaluation.diagnosis import Losses, strength
from tunesmith.evaluation.diagnosis.rule import Profile
from tunesmith.evaluation.feature_shift import FeatureShift
from tunesmith.recipe.models import Recipe
from tunesmith.records.comparison import RunVerdict
from tunesmith.records.run_finding import RunFinding
from tunesmith.texts import Message, msg

AS_OFTEN = 0.8

_CHECK_TEXTS: dict[Profile, Message] = {
    "music": msg("captions describe the clips"),
    "speech": msg("transcripts are what the recordings say"),
}
_UNCHANGED = ("no_effect", "heldout_loss")
"""Findings that nothing changed, the more certain first."""
CLEAR_GAIN = 0.02
"""Share by which held-out loss must fall to be called learning; smaller moves are within a few clips' luck."""


def verdict(
    findings: Sequence[RunFinding],
    features: Sequence[FeatureShift],
    losses: Losses | None,
    recipe: Recipe,
    profile: Profile = "music",
) -> RunVerdict:
    """The three sentences; ``worse`` is ``None`` when all was measured and nothing got worse."""
    bad = [f for f in findings if f.kind in {"broken", "worse"}]
    by_adapter = sorted((f for f in bad if not _base_has_fault(f)), key=_weight)
    unchanged = [f for name in _UNCHANGED for f in findings if f.name == name and f.kind == "same"]
    return RunVerdict(
        learnt=_learnt(features, losses, next((f for f in bad if f.name == strength.NAME), None)),
        worse=_worse(by_adapter, [f for f in findings if f.kind == "unmeasured"]),
        next=_next(by_adapter or bad or unchanged, features, losses, recipe, profile),
    )


def _weight(finding: RunFinding) -> tuple[bool, bool, bool]:
    """A strength that explains all else; broken before worse; what holds for everything before some outputs' faults."""
    overall = finding.name in {"heldout_loss", "forgetting"} or finding.name.startswith("edit_type_")
    return finding.name != strength.NAME, finding.kind != "broken", not overall


def _base_has_fault(finding: RunFinding) -> bool:
    """A fault that the base model has about as often was not brought by the adapter."""
    evidence = finding.evidence
    if not evidence.get("base_outputs") or not evidence.get("outputs"):
        return False
    base = (evidence["base_flagged"] or 0) / (evidence["base_outputs"] or 1)
    return base >= AS_OFTEN * (evidence["flagged"] or 0) / (evidence["outputs"] or 1)


def gain(losses: Losses | None) -> float | None:
    """By which share the held-out loss fell."""
    if losses is None or not losses.base_heldout or losses.adapter_heldout is None:
        return None
    return (losses.base_heldout - losses.adapter_heldout) / losses.base_heldout


def _learnt(features: Sequence[FeatureShift], losses: Losses | None, too_strong: RunFinding | None = None) -> Message:
    closer = [f.feature.term for f in features if f.moved_towards][:4]
    share = gain(losses)
    if share is None or losses is None:
        if closer:
            return msg("Closer to your clips in: {features} (no held-out loss to confirm it).", features=closer)
        return msg("Whether anything was learnt cannot be said: there is no held-out loss.")
    numbers = msg(
        "held-out loss {base:.3f} → {adapter:.3f} ({change:+.1f} %)",
        base=losses.base_heldout,
        adapter=losses.adapter_heldout,
        change=-100 * share,
    )
    if share < CLEAR_GAIN and too_strong is not None:
        return msg(
            "It learnt something of your clips, which its strength spoils: {numbers}, and {best:.3f} at {scale:g} of "
            "it.",
            numbers=numbers,
            best=too_strong.evidence["best"],
            scale=too_strong.evidence["strength"],
        )
    if share < CLEAR_GAIN:
        return msg("Nothing was clearly learnt: {numbers}.", numbers=numbers)
    if closer:
        return msg(
            "The adapter learnt your clips: {numbers}; closer to your clips in {features}.",
            numbers=numbers,
            features=closer,
        )
    return msg(
        "The adapter learnt your clips: {numbers}; what is heard did not clearly move towards your clips.",
        numbers=numbers,
    )


def _worse(bad: Sequence[RunFinding], unmeasured: Sequence[RunFinding]) -> Message | None:
    if not bad and unmeasured:
        return msg("Nothing that was measured got worse. {sentence}", sentence=unmeasured[0].sentence)
    if not bad:
        return None
    first, more = bad[0], len(bad) - 1
    if not more:
        return msg("{title}: {sentence}", title=first.title, sentence=first.sentence)
    return msg("{title}: {sentence} (and {more} more below)", title=first.title, sentence=first.sentence, more=more)


def _next(
    bad: Sequence[RunFinding],
    features: Sequence[FeatureShift],
    losses: Losses | None,
    recipe: Recipe,
    profile: Profile,
) -> Message:
    share = gain(losses)
    away = [f for f in features if f.direction == "away"]
    if bad and bad[0].remedy:
        return bad[0].remedy
    if share is None:
        return msg("Hold out at least two clips, so that learning can be told from memorising.")
    if share < CLEAR_GAIN:
        return msg(
            "Train longer, or with train.learning_rate={rate:g}, and check that {check}.",
            rate=recipe.train.learning_rate * 2,
            check=_CHECK_TEXTS[profile],
        )
    if away:
        return msg(
            "Listen for {feature}, which moved away from your clips; try adapter scales 0.6 and 0.8.",
            feature=away[0].feature.term,
        )
    return msg("Listen to the pairs in the report, then try adapter scales 0.7 and 1.0 on prompts of your own.")
