"""Three sentences that a person takes away: what was learnt, what got worse, what to do next."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.evaluation.diagnosis import Losses, strength
from tunesmith.evaluation.diagnosis.rule import Profile
from tunesmith.evaluation.explain import base_has_fault
from tunesmith.evaluation.feature_shift import FeatureShift
from tunesmith.recipe.models import Recipe
from tunesmith.records.comparison import RunVerdict
from tunesmith.records.run_finding import Cause, RunFinding
from tunesmith.texts import NOTHING, Message, msg

_CHECK_TEXTS: dict[Profile, Message] = {
    "music": msg("captions describe the clips"),
    "speech": msg("transcripts are what the recordings say"),
}
_UNCHANGED = ("no_effect", "heldout_loss")
"""Findings that nothing changed, the more certain first."""
_NAMED = 4
FAR = 3.0
"""Spreads of the person's own clips: what lies further off than this does not sound like them."""
CLEAR_GAIN = 0.02
"""Share by which held-out loss must fall to be called learning; smaller moves are within a few clips' luck."""


def verdict(
    findings: Sequence[RunFinding],
    features: Sequence[FeatureShift],
    losses: Losses | None,
    recipe: Recipe,
    profile: Profile = "music",
    causes: Sequence[Cause] = (),
) -> RunVerdict:
    """The three sentences; ``worse`` is ``None`` when all was measured and nothing got worse."""
    bad = [f for f in findings if f.kind in {"broken", "worse"}]
    by_adapter = sorted((f for f in bad if not base_has_fault(f)), key=_weight)
    unchanged = [f for name in _UNCHANGED for f in findings if f.name == name and f.kind == "same"]
    return RunVerdict(
        learnt=_learnt(features, losses, next((f for f in bad if f.name == strength.NAME), None)),
        worse=_worse(by_adapter, [f for f in findings if f.kind == "unmeasured"]),
        next=causes[0].remedy if causes else _next(by_adapter or bad or unchanged, features, losses, recipe, profile),
        causes=tuple(causes),
    )


def _weight(finding: RunFinding) -> tuple[bool, bool, bool]:
    """A strength that explains all else; broken before worse; what holds for everything before some outputs' faults."""
    overall = finding.name in {"heldout_loss", "forgetting"} or finding.name.startswith("edit_type_")
    return finding.name != strength.NAME, finding.kind != "broken", not overall


def gain(losses: Losses | None) -> float | None:
    """By which share the held-out loss fell."""
    if losses is None or not losses.base_heldout or losses.adapter_heldout is None:
        return None
    return (losses.base_heldout - losses.adapter_heldout) / losses.base_heldout


def _learnt(features: Sequence[FeatureShift], losses: Losses | None, too_strong: RunFinding | None = None) -> Message:
    closer = [f.feature.term for f in features if _came_close(f, features)][:_NAMED]
    but = _but(features)
    share = gain(losses)
    if share is None or losses is None:
        if closer:
            return msg(
                "Closer to your clips in: {features} (no held-out loss to confirm it){but}.", features=closer, but=but
            )
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
            "The adapter learnt your clips: {numbers}; closer to your clips in {features}{but}.",
            numbers=numbers,
            features=closer,
            but=but,
        )
    return msg(
        "The adapter learnt your clips: {numbers}; what is heard did not clearly move towards your clips{but}.",
        numbers=numbers,
        but=but,
    )


def _came_close(shift: FeatureShift, all_of_them: Sequence[FeatureShift]) -> bool:
    """Whether a feature moved towards the clips and is near them now; a tempo counts only where its beat is heard."""
    if not shift.moved_towards or shift.adapter_distance > FAR:
        return False
    beat = next((one for one in all_of_them if one.feature.signal == "pulse"), None)
    return shift.feature.signal != "tempo_bpm" or beat is None or beat.adapter_distance <= FAR


def _but(features: Sequence[FeatureShift]) -> Message:
    """The other side: what moved away from the clips, and what is still far from them."""
    away = [_numbers(f) for f in features if f.direction == "away"][:_NAMED]
    far = [_numbers(f) for f in features if f.direction != "away" and f.adapter_distance > FAR][:_NAMED]
    if away and far:
        return msg("; further away in {away}; still far in {far}", away=away, far=far)
    if away:
        return msg("; further away in {away}", away=away)
    return msg("; still far in {far}", far=far) if far else NOTHING


def _numbers(shift: FeatureShift) -> Message:
    return msg(
        "{feature} ({adapter:.3g}, yours {reference:.3g})",
        feature=shift.feature.term,
        adapter=shift.adapter,
        reference=shift.reference,
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
