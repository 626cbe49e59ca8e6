"""Three sentences that a person takes away: what was learnt, what got worse, what to do next."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.evaluation.diagnosis import Losses, RunFinding
from tunesmith.evaluation.diagnosis.rule import Profile
from tunesmith.evaluation.feature_shift import FeatureShift
from tunesmith.recipe.models import Recipe

AS_OFTEN = 0.8
Sentence = dict[str, str]

_CHECK_TEXTS: dict[Profile, tuple[str, str]] = {
    "music": ("captions describe the clips", "文字描述是否与音频相符"),
    "speech": ("transcripts are what the recordings say", "转写文本是否与录音一致"),
}
CLEAR_GAIN = 0.02
"""Share by which held-out loss must fall to be called learning; smaller moves are within a few clips' luck."""


def verdict(
    findings: Sequence[RunFinding],
    features: Sequence[FeatureShift],
    losses: Losses | None,
    recipe: Recipe,
    profile: Profile = "music",
) -> dict[str, Sentence | None]:
    """The three sentences in both languages; ``worse`` is ``None`` when nothing got worse."""
    bad = [f for f in findings if f.kind in {"broken", "worse"}]
    own = sorted((f for f in bad if not _base_does_it_too(f)), key=_weight)
    return {
        "learnt": _learnt(features, losses),
        "worse": _worse(own),
        "next": _next(own or bad, features, losses, recipe, profile),
    }


def _weight(finding: RunFinding) -> tuple[bool, bool]:
    """Broken before worse; then what holds for everything (losses) before what some outputs show."""
    overall = finding.rule in {"heldout_loss", "forgetting"} or finding.rule.startswith("edit_type_")
    return finding.kind != "broken", not overall


def _base_does_it_too(finding: RunFinding) -> bool:
    """A fault that the base model has about as often was not brought by the adapter."""
    seen = finding.evidence
    if not seen.get("base_outputs") or not seen.get("outputs"):
        return False
    base = (seen["base_flagged"] or 0) / (seen["base_outputs"] or 1)
    return base >= AS_OFTEN * (seen["flagged"] or 0) / (seen["outputs"] or 1)


def gain(losses: Losses | None) -> float | None:
    """By which share the held-out loss fell."""
    if losses is None or not losses.base_heldout or losses.adapter_heldout is None:
        return None
    return (losses.base_heldout - losses.adapter_heldout) / losses.base_heldout


def _learnt(features: Sequence[FeatureShift], losses: Losses | None) -> Sentence:
    closer = [f for f in features if f.moved_towards]
    share = gain(losses)
    moved = ", ".join(_lower(f.title_en) for f in closer[:4])
    moved_zh = "、".join(f.title_zh for f in closer[:4])
    if share is None or losses is None:
        if closer:
            return _both(
                f"Closer to your clips in: {moved} (no held-out loss to confirm it).",
                f"在以下方面更接近您的音频：{moved_zh}（没有验证损失可佐证）。",
            )
        return _both(
            "Whether anything was learnt cannot be said: there is no held-out loss.",
            "无法判断是否学到内容：没有验证损失。",
        )
    numbers = f"held-out loss {losses.base_heldout:.3f} → {losses.adapter_heldout:.3f} ({-100 * share:+.1f} %)"
    numbers_zh = f"验证损失 {losses.base_heldout:.3f} → {losses.adapter_heldout:.3f}（{-100 * share:+.1f}%）"
    if share < CLEAR_GAIN:
        return _both(f"Nothing was clearly learnt: {numbers}.", f"没有明显学到内容：{numbers_zh}。")
    tail = f"; closer to your clips in {moved}" if closer else "; what is heard did not clearly move towards your clips"
    tail_zh = f"；在{moved_zh}方面更接近您的音频" if closer else "；但听感上没有明显接近您的音频"
    return _both(f"The adapter learnt your clips: {numbers}{tail}.", f"适配器学到了您的音频：{numbers_zh}{tail_zh}。")


def _worse(bad: Sequence[RunFinding]) -> Sentence | None:
    if not bad:
        return None
    first, more = bad[0], len(bad) - 1
    tail = f" (and {more} more below)" if more else ""
    tail_zh = f"（另有 {more} 项见下文）" if more else ""
    return _both(f"{first.title.en}: {first.sentence.en}{tail}", f"{first.title.zh}：{first.sentence.zh}{tail_zh}")


def _next(
    bad: Sequence[RunFinding],
    features: Sequence[FeatureShift],
    losses: Losses | None,
    recipe: Recipe,
    profile: Profile,
) -> Sentence:
    share = gain(losses)
    away = [f for f in features if f.direction == "away"]
    if bad and bad[0].remedy.en:
        return _both(f"Next: {bad[0].remedy.en}", f"下一步：{bad[0].remedy.zh}")
    if share is None:
        return _both(
            "Next: hold out at least two clips, so that learning can be told from memorising.",
            "下一步：至少留出两段验证音频，才能区分学习与死记。",
        )
    if share < CLEAR_GAIN:
        rate = recipe.train.learning_rate * 2
        check, check_zh = _CHECK_TEXTS[profile]
        return _both(
            f"Next: train longer, or with train.learning_rate={rate:g}, and check that {check}.",
            f"下一步：延长训练，或设置 train.learning_rate={rate:g}，并检查{check_zh}。",
        )
    if away:
        return _both(
            f"Next: listen for {_lower(away[0].title_en)}, which moved away from your clips; try adapter scales "
            f"0.6 and 0.8.",
            f"下一步：留意{away[0].title_zh}，它偏离了您的音频；可尝试适配器强度 0.6 与 0.8。",
        )
    return _both(
        "Next: listen to the pairs in the report, then try adapter scales 0.7 and 1.0 on prompts of your own.",
        "下一步：先听报告中的对比，再用自己的提示词尝试适配器强度 0.7 与 1.0。",
    )


def _lower(title: str) -> str:
    return title[:1].lower() + title[1:]


def _both(english: str, chinese: str) -> Sentence:
    return {"en": english, "zh": chinese}
