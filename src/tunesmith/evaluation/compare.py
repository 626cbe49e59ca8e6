"""Builds the comparison record of docs/run_folder.md from generated audio, losses and the user's own clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tunesmith.data.sample import edit_type
from tunesmith.evaluation.diagnosis import Losses, RunData, RunFinding, Verdict, diagnose_file, judge_run, reference_of
from tunesmith.evaluation.diagnosis.rule import Profile
from tunesmith.evaluation.feature_shift import FEATURES, SPEECH_FEATURES, FeatureShift, towards_reference
from tunesmith.evaluation.references import ReferenceClip, codec_ceiling, reference_clips, write_references
from tunesmith.evaluation.signals import Signals, measure
from tunesmith.evaluation.verdict import verdict

if TYPE_CHECKING:
    from tunesmith.data.prompt import Prompt
    from tunesmith.evaluation.loss_pairs import LossPair
    from tunesmith.evaluation.speech.measures import SpeechEvaluator
    from tunesmith.run.context import RunContext


@dataclass(frozen=True)
class SideFiles:
    """One generated file of one side, measured; ``heard`` is its transcript, where there is one."""

    file: Path
    signals: Signals
    heard: str | None = None


def write_side(
    folder: Path,
    made: Sequence[tuple[np.ndarray, int]],
    suffix: str,
    prompts: Sequence[Prompt],
    listener: SpeechEvaluator | None = None,
) -> list[SideFiles]:
    """Write and measure one side's audio, speech against its prompts."""
    from tunesmith.audio.write import write

    files = []
    for index, (audio, rate) in enumerate(made):
        path = folder / f"{index:02d}.{suffix}"
        write(path, audio, rate)
        if listener is None:
            files.append(SideFiles(path, measure(audio.T, rate)))
        else:
            heard = listener.hear(prompts[index], audio, rate)
            files.append(SideFiles(path, heard.signals, heard.transcript))
    return files


def build_comparison(
    context: RunContext,
    prompts: Sequence[Prompt],
    sides: dict[str, list[SideFiles]],
    losses: LossPair | None,
    target: Path,
    adapter: Path,
    listener: SpeechEvaluator | None = None,
) -> dict[str, Any]:
    """The whole record; reference crops, and of speech the prompts' audio, are written into ``target`` as well."""
    from tunesmith.evaluation.loss_pairs import as_losses
    from tunesmith.evaluation.speech.record import speech_record, write_asked

    references = reference_clips(context, prompts, listener)
    base, tuned = sides.get("base_model"), sides["lora_model"]
    run = _run_data(context, prompts, base, tuned, references, as_losses(losses), is_speech=listener is not None)
    findings = judge_run(run)
    before, after, true = run.alike
    watched = FEATURES if listener is None else SPEECH_FEATURES
    features = towards_reference(before, after, true, watched) if before else []
    files = write_references(references, target, prompts)
    asked = write_asked(context.family, prompts, target) if listener else [{}] * len(prompts)
    seed = context.recipe.evaluate.seed
    return ({} if listener is None else {"speech": speech_record(run, listener, prompts)}) | {
        "settings": {
            "seconds": run.want_seconds,
            "seed": seed,
            "guidance": getattr(context.family.settings, "guidance", None),
            "adapter": adapter.as_posix(),
            "base": context.recipe.model.path,
            "sample_rate": tuned[0].signals.sample_rate,
        },
        "prompts": [
            {
                "prompt": p.text,
                "kind": p.kind,
                "seed": seed + i,
                "base": _side(base[i], run, target) if base else None,
                "lora": _side(tuned[i], run, target),
                "reference": files.get(p.sample.id) if p.sample and p.recording else None,
                **asked[i],
            }
            for i, p in enumerate(prompts)
        ],
        "reference": [
            {"clip": c.sample.id, "file": files.get(c.sample.id), **_measured(c.signals, c.heard)} for c in references
        ],
        "losses": _losses(context, losses),
        "findings": [_finding(f) for f in findings],
        "features": [_feature(f) for f in features],
        "codec": codec_ceiling(references),
        "verdict": verdict(findings, features, as_losses(losses), context.recipe, run.profile),
    }


def _run_data(
    context: RunContext,
    prompts: Sequence[Prompt],
    base: Sequence[SideFiles] | None,
    tuned: Sequence[SideFiles],
    references: Sequence[ReferenceClip],
    losses: Losses | None,
    *,
    is_speech: bool,
) -> RunData:
    """What the run is judged on: prompts of the user's own kind, and of speech no length, for its text decides that."""
    profile: Profile = "speech" if is_speech else "music"
    own = [i for i, p in enumerate(prompts) if p.kind != "base_style"]
    clips = [clip.signals for clip in references]
    return RunData(
        base=[base[i].signals for i in own] if base else None,
        adapter=[tuned[i].signals for i in own],
        clips=clips,
        reference=reference_of(clips, profile),
        losses=losses,
        want_seconds=None if is_speech else context.recipe.evaluate.seconds,
        profile=profile,
        kinds=[prompts[i].edit_type for i in own] if is_speech else (),
        clip_kinds=[edit_type(clip.sample.attributes) for clip in references] if is_speech else (),
    )


def _side(file: SideFiles, run: RunData, target: Path) -> dict[str, Any]:
    found = diagnose_file(file.signals, run.want_seconds, run.profile, run.reference)
    return {
        "file": file.file.relative_to(target).as_posix(),
        **_measured(file.signals, file.heard),
        "verdicts": [_verdict(v) for v in found],
    }


def _measured(signals: Signals, heard: str | None) -> dict[str, Any]:
    return {"signals": signals.to_json()} | ({} if heard is None else {"heard": heard})


def _losses(context: RunContext, pair: LossPair | None) -> dict[str, Any] | None:
    if pair is None or pair.base is None or pair.adapter is None:
        return None
    return {
        "base": vars(pair.base),
        "adapter": vars(pair.adapter),
        "base_style": {"base": pair.base_style[0], "adapter": pair.base_style[1]} if pair.base_style else None,
        "random": context.family.objective.chance_loss(),
    }


def _verdict(v: Verdict) -> dict[str, Any]:
    return {
        "name": v.rule,
        "sentence": v.sentence.en,
        "sentence_zh": v.sentence.zh,
        "value": _number(v.number),
        "limit": _number(v.limit),
        "severity": v.severity,
    }


def _finding(f: RunFinding) -> dict[str, Any]:
    plain = f.to_json()
    return {
        "name": f.rule,
        "title": f.title.en,
        "title_zh": f.title.zh,
        "kind": f.kind,
        "sentence": f.sentence.en,
        "sentence_zh": f.sentence.zh,
        "cause": f.causes.en,
        "cause_zh": f.causes.zh,
        "remedy": f.remedy.en,
        "remedy_zh": f.remedy.zh,
        "evidence": plain["evidence"],
    }


def _feature(f: FeatureShift) -> dict[str, Any]:
    return {
        "name": f.title_en,
        "name_zh": f.title_zh,
        "unit": f.unit,
        "base": _number(f.base),
        "adapter": _number(f.adapter),
        "reference": _number(f.reference),
        "closer": f.moved_towards,
        "direction": f.direction,
    }


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
