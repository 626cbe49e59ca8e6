"""Whether the outputs moved towards the person's own clips in sound and rhythm."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import NOTHING, Text
from tunesmith.evaluation.diagnosis.run_finding import RunData, RunFinding
from tunesmith.evaluation.feature_shift import FEATURES, SPEECH_FEATURES, FeatureShift, towards_reference

_LEAST_MAJORITY = 2


def judge(run: RunData) -> list[RunFinding]:
    """At least two more features moved towards the clips than away from them, or the reverse."""
    base, adapter, clips = run.alike
    if base is None or not clips or not adapter:
        return []
    features = SPEECH_FEATURES if run.profile == "speech" else FEATURES
    shifts = towards_reference(base, adapter, clips, features)
    nearer = [shift for shift in shifts if shift.direction == "towards"]
    further = [shift for shift in shifts if shift.direction == "away"]
    majority = len(nearer) - len(further)
    if abs(majority) < _LEAST_MAJORITY:
        return []
    good = majority > 0
    named = nearer if good else further
    verb_en, verb_zh = ("towards", "靠近") if good else ("away from", "远离")
    return [
        RunFinding(
            rule="style",
            kind="better" if good else "worse",
            title=Text("Style", "风格"),
            sentence=Text(
                f"{len(nearer)} of {len(shifts)} features moved towards your clips, {len(further)} away; "
                f"{verb_en} them: {', '.join(_en(shift) for shift in named)}.",
                f"{len(shifts)} 项特征中有 {len(nearer)} 项靠近您的片段，{len(further)} 项远离；"
                f"{verb_zh}的有：{'、'.join(_zh(shift) for shift in named)}。",
            ),
            evidence={"towards": len(nearer), "away": len(further), "features": len(shifts), "n": len(adapter)},
            causes=NOTHING if good else _CAUSES,
            remedy=NOTHING if good else _REMEDY,
        )
    ]


def _en(shift: FeatureShift) -> str:
    name = shift.title_en[0].lower() + shift.title_en[1:]
    return f"{name} ({shift.base:.3g} to {shift.adapter:.3g}, yours {shift.reference:.3g})"


def _zh(shift: FeatureShift) -> str:
    return f"{shift.title_zh}（{shift.base:.3g} 变为 {shift.adapter:.3g}，您的为 {shift.reference:.3g}）"


_CAUSES = Text(
    "Captions that do not describe the clips, prompts unlike the captions, or training that went wrong.",
    "文字描述与片段不符、提示词与描述差异大，或训练出错。",
)
_REMEDY = Text(
    "Prompt with the words of your captions; read the held-out loss first, for it says whether training went well.",
    "用与描述相同的词语作提示；先看留出损失，它能说明训练是否正常。",
)
