"""The adapter changes nothing: the fault that people notice last."""

from __future__ import annotations

import math
from dataclasses import fields

from tunesmith.evaluation.diagnosis.rule import Text
from tunesmith.evaluation.diagnosis.run_finding import RunData, RunFinding
from tunesmith.evaluation.signals import Signals

_IDENTICAL_SHARE = 0.8
_TOLERANCE = 1e-4
_SAME_LOSS = 1e-6


def judge(run: RunData) -> list[RunFinding]:
    """Most pairs (same prompt, same seed) measure the same to four digits, or the held-out losses agree to 1e-6."""
    pairs = list(zip(run.base or (), run.adapter, strict=False)) if run.pairs else []
    identical = sum(nearly_identical(base, adapter) for base, adapter in pairs)
    before, after = (run.losses.base_heldout, run.losses.adapter_heldout) if run.losses else (None, None)
    equal = before is not None and after is not None and abs(after - before) < _SAME_LOSS
    same_audio = bool(pairs) and identical >= _IDENTICAL_SHARE * len(pairs)
    if not same_audio and not equal:
        return []
    en, zh = "The held-out loss is the same with and without the adapter.", "有无适配器，留出损失完全相同。"
    if same_audio:
        en = f"{identical} of {len(pairs)} outputs are the same with and without the adapter, same prompt and seed."
        zh = f"同提示词同种子下，{len(pairs)} 个输出中有 {identical} 个在有无适配器时完全相同。"
    return [
        RunFinding(
            rule="no_effect",
            kind="same",
            title=Text("No effect", "毫无作用"),
            sentence=Text(en, zh),
            evidence={"identical": identical, "n": len(pairs), "limit": _IDENTICAL_SHARE},
            causes=Text(
                "The adapter was not loaded, its keys do not match this "
                "base model, its scale is 0, or it was hardly trained.",
                "适配器未被加载、键名与该基础模型不匹配、缩放为 0，或几乎没有训练。",
            ),
            remedy=Text(
                "See that the adapter's weights are not all zero and that its base model is this one; then train with "
                "more steps or a higher learning rate.",
                "确认适配器权重不全为零、且其基础模型就是当前模型；然后增加训练步数或提高学习率。",
            ),
        )
    ]


def nearly_identical(base: Signals, adapter: Signals) -> bool:
    """Whether two clips measure the same in every signal, to four digits: no two different performances do."""
    for field in fields(Signals):
        a, b = float(getattr(base, field.name)), float(getattr(adapter, field.name))
        if math.isnan(a) and math.isnan(b):
            continue
        if not abs(a - b) <= _TOLERANCE * max(1.0, abs(a)):
            return False
    return True
