"""Builds the comparison record of docs/run_folder.md from generated audio, losses and the user's own clips."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tunesmith.data.sample import edit_type
from tunesmith.evaluation.causes import find_causes
from tunesmith.evaluation.diagnosis import Losses, RunData, diagnose_file, judge_run, reference_of
from tunesmith.evaluation.diagnosis.rule import Profile
from tunesmith.evaluation.evidence import data_evidence, training_evidence
from tunesmith.evaluation.explain import explained
from tunesmith.evaluation.feature_shift import FEATURES, SPEECH_FEATURES, FeatureShift, towards_reference
from tunesmith.evaluation.outputs import shared_gain, write_output
from tunesmith.evaluation.references import OwnClips, ReferenceClip, codec_ceiling, own_clips, write_references
from tunesmith.evaluation.signals import Signals
from tunesmith.evaluation.verdict import verdict
from tunesmith.records.comparison import (
    BaseStyleLosses,
    ComparedLosses,
    ComparedPrompt,
    ComparedSide,
    ComparedStrength,
    Comparison,
    ComparisonSettings,
    FeatureResult,
    LossSummary,
    ReferenceResult,
)
from tunesmith.records.run_finding import ClipVerdict
from tunesmith.records.sound_comparison import SoundComparison

if TYPE_CHECKING:
    from tunesmith.data.prompt import Prompt
    from tunesmith.evaluation.loss_pairs import LossPair
    from tunesmith.evaluation.speech.measures import SpeechEvaluator
    from tunesmith.run.context import RunContext


Made = Sequence[tuple[np.ndarray, int]]
"""Audio (C, N) and its rate in Hz, one per prompt."""


@dataclass(frozen=True)
class SideFiles:
    """One generated file of one side, measured; of speech with its transcript, where there is one."""

    file: Path
    signals: Signals
    transcript: str | None = None


def write_side(
    folder: Path,
    made: Made,
    gains: Sequence[float],
    suffix: str,
    prompts: Sequence[Prompt],
    evaluator: SpeechEvaluator | None = None,
) -> list[SideFiles]:
    """Write and measure one side's audio, each file at its pair's gain in dB; speech against its prompts."""
    files = []
    for index, (audio, rate) in enumerate(made):
        path = folder / f"{index:02d}.{suffix}"
        output = write_output(path, audio, rate, gains[index])
        if evaluator is None:
            files.append(SideFiles(path, output.measure()))
        else:
            measured = evaluator.measure(prompts[index], output.audio, output.rate)
            files.append(SideFiles(path, output.completed(measured.signals), measured.transcript))
    return files


def shared_gains(sides: Collection[Made]) -> list[float]:
    """One gain in dB per prompt, for the files of all sides that have it."""
    prompts = range(max((len(side) for side in sides), default=0))
    return [shared_gain(*(side[i][0] for side in sides if i < len(side))) for i in prompts]


def build_comparison(
    context: RunContext,
    prompts: Sequence[Prompt],
    sides: dict[str, list[SideFiles]],
    losses: LossPair | None,
    target: Path,
    adapter: Path,
    evaluator: SpeechEvaluator | None = None,
) -> Comparison:
    """The whole record; reference crops, and of speech the prompts' audio, are written into ``target`` as well."""
    from tunesmith.evaluation.loss_pairs import as_losses
    from tunesmith.evaluation.speech.record import speech_record, write_asked

    own = own_clips(context, prompts, evaluator)
    references = own.references
    base, tuned = sides.get("base_model"), sides["lora_model"]
    run = _run_data(context, prompts, base, tuned, references, as_losses(losses), is_speech=evaluator is not None)
    training = training_evidence(context, adapter, losses.unreadable if losses else 0)
    run = replace(run, training=training, data=data_evidence(context))
    if evaluator is None:
        run = replace(run, sound=_sound(run, prompts, base, tuned, own))
    causes = find_causes(run)
    findings = explained(judge_run(run), causes)
    before, after, true = run.alike
    watched = FEATURES if evaluator is None else SPEECH_FEATURES
    features = towards_reference(before, after, true, watched) if before else []
    files = write_references(references, target, prompts)
    asked = write_asked(context.family, prompts, target) if evaluator else [{}] * len(prompts)
    seed = context.recipe.evaluate.seed
    return Comparison(
        settings=_settings(context, run, adapter, tuned[0].signals.sample_rate),
        prompts=tuple(
            ComparedPrompt(
                prompt=p.text,
                kind=p.kind,
                seed=seed + i,
                base=_side(base[i], run, target) if base else None,
                lora=_side(tuned[i], run, target),
                strengths=_strengths(sides, i, run, target),
                reference=files.get(p.sample.id) if p.sample and p.recording else None,
                **asked[i],
            )
            for i, p in enumerate(prompts)
        ),
        reference=tuple(
            ReferenceResult(
                clip=c.sample.id, file=files.get(c.sample.id), signals=c.signals.to_json(), heard=c.transcript
            )
            for c in references
        ),
        losses=_losses(context, losses),
        findings=tuple(findings),
        features=tuple(_feature(f) for f in features),
        codec=codec_ceiling(references),
        verdict=verdict(findings, features, as_losses(losses), context.recipe, run.profile, causes),
        speech=None if evaluator is None else speech_record(run, evaluator, prompts),
        sound=run.sound,
    )


def _settings(context: RunContext, run: RunData, adapter: Path, sample_rate: int) -> ComparisonSettings:
    return ComparisonSettings(
        seconds=run.want_seconds,
        seed=context.recipe.evaluate.seed,
        guidance=getattr(context.family.settings, "guidance", None),
        adapter=adapter.as_posix(),
        base=context.recipe.model.path,
        sample_rate=sample_rate,
    )


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
    judged = [i for i, p in enumerate(prompts) if p.kind != "base_style"]
    clips = [clip.signals for clip in references]
    return RunData(
        base=[base[i].signals for i in judged] if base else None,
        adapter=[tuned[i].signals for i in judged],
        clips=clips,
        reference=reference_of(clips, profile),
        losses=losses,
        want_seconds=None if is_speech else context.recipe.evaluate.seconds,
        whole=2 * sum(clip.is_song for clip in references) > len(references),
        profile=profile,
        kinds=[prompts[i].edit_type for i in judged] if is_speech else (),
        clip_kinds=[edit_type(clip.sample.attributes) for clip in references] if is_speech else (),
    )


def _sound(
    run: RunData, prompts: Sequence[Prompt], base: Sequence[SideFiles] | None, tuned: Sequence[SideFiles], own: OwnClips
) -> SoundComparison:
    """What is heard over the outputs of the user's own kind of prompts together."""
    from tunesmith.evaluation.sound.compare import HeardSets, compare_sound

    judged = [i for i, p in enumerate(prompts) if p.kind != "base_style"]
    held_out = [(c.sample.id, c.coded.T, c.signals.sample_rate) for c in own.references if c.sample.split == "valid"]
    heard = HeardSets(
        base=[_audio(base[i]) for i in judged] if base else [],
        adapter=[_audio(tuned[i]) for i in judged],
        reference=[(clip.coded.T, clip.signals.sample_rate) for clip in own.references],
        training=own.training,
        held_out=held_out,
        prompts=[prompts[i].text for i in judged],
        known=own.known,
    )
    return compare_sound(heard, run.base, run.adapter)


def _audio(file: SideFiles) -> tuple[np.ndarray, int]:
    """The sound of an output as it was written, (N, C)."""
    import soundfile

    audio, rate = soundfile.read(file.file, always_2d=True, dtype="float32")
    return audio, int(rate)


def _strengths(
    sides: Mapping[str, Sequence[SideFiles]], index: int, run: RunData, target: Path
) -> tuple[ComparedStrength, ...]:
    """What a prompt sounds like at further strengths of the adapter, where it was made."""
    found = {float(name.rpartition("/")[2]): files for name, files in sides.items() if "/" in name}
    return tuple(
        ComparedStrength(scale=scale, output=_side(files[index], run, target))
        for scale, files in sorted(found.items())
        if index < len(files)
    )


def _side(file: SideFiles, run: RunData, target: Path) -> ComparedSide:
    found = diagnose_file(file.signals, run.want_seconds, run.profile, run.reference, whole=run.whole)
    return ComparedSide(
        file=file.file.relative_to(target).as_posix(),
        signals=file.signals.to_json(),
        heard=file.transcript,
        verdicts=tuple(
            ClipVerdict(name=v.rule, sentence=v.sentence, value=v.number, limit=v.limit, severity=v.severity)
            for v in found
        ),
    )


def _losses(context: RunContext, pair: LossPair | None) -> ComparedLosses | None:
    if pair is None or pair.base is None or pair.adapter is None:
        return None
    style = pair.base_style
    return ComparedLosses(
        base=LossSummary(loss=pair.base.loss, terms=pair.base.terms),
        adapter=LossSummary(loss=pair.adapter.loss, terms=pair.adapter.terms),
        base_style=BaseStyleLosses(base=style[0], adapter=style[1]) if style else None,
        random=context.family.objective.chance_loss(),
        probes=pair.probes,
    )


def _feature(f: FeatureShift) -> FeatureResult:
    return FeatureResult(
        name=f.feature.signal,
        title=f.feature.title,
        unit=f.feature.unit,
        base=f.base,
        adapter=f.adapter,
        reference=f.reference,
        direction=f.direction,
    )
