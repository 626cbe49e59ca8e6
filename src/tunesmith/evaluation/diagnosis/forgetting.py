"""What the model could do before, and whether it still can."""

from __future__ import annotations

import math

from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.records.run_finding import FindingKind, RunFinding
from tunesmith.texts import NOTHING, msg

NAME = "forgetting"
_MOST = 0.02
_TITLE = msg("Other styles")


def judge(run: RunData) -> list[RunFinding]:
    """Loss on material in the base model's own style: over 2 % up is forgetting, and not measured is not kept."""
    losses = run.losses
    if losses is None or losses.base_forgetting is None or losses.adapter_forgetting is None:
        if not run.adapter:
            return []  # nothing is judged at all
        return [RunFinding(name=NAME, kind="unmeasured", title=_TITLE, sentence=_UNMEASURED, remedy=_MEASURE)]
    base, adapter = losses.base_forgetting, losses.adapter_forgetting
    change = (adapter - base) / base if base else math.nan
    forgot = not change <= _MOST
    kind: FindingKind = "broken" if not math.isfinite(adapter) else "worse" if forgot else "same"
    return [
        RunFinding(
            name=NAME,
            kind=kind,
            title=_TITLE,
            sentence=msg(
                "Loss on styles outside your clips went from {base:.3f} to {adapter:.3f} ({change:+.1f} %, limit "
                "+2 %): {judgement}.",
                base=base,
                adapter=adapter,
                change=100 * change,
                judgement=msg("the model forgets them") if forgot else msg("they are kept"),
            ),
            evidence={"base": base, "adapter": adapter, "change": change, "limit": _MOST},
            cause=_CAUSES if forgot else NOTHING,
            remedy=_REMEDY if forgot else NOTHING,
        )
    ]


_UNMEASURED = msg("Whether the model forgets styles outside your clips was not measured.")
_MEASURE = msg("Keep evaluate.forgetting_prompts above 0, encode the clips of the run, and evaluate again.")
_CAUSES = msg("A high learning rate, a high rank or many epochs on one style.")
_REMEDY = msg(
    "If you want other styles too: use the adapter at scale 0.6-0.8, stop earlier, lower the rank, "
    "or mix in other clips."
)
