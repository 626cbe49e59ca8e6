"""Builds the comparison record of docs/run_folder.md from generated audio, losses and the user's own clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tunesmith.data.sample import PROMPT, AudioRef, Sample, read_manifest
from tunesmith.evaluation.diagnosis import RunData, RunFinding, Verdict, diagnose_file, judge_run, reference_of
from tunesmith.evaluation.diagnosis.rule import Profile
from tunesmith.evaluation.signals import Signals, measure
from tunesmith.evaluation.towards import FEATURES, SPEECH_FEATURES, FeatureShift, towards_reference
from tunesmith.evaluation.verdict import verdict
from tunesmith.families.speech import edit_type

if TYPE_CHECKING:
    from tunesmith.evaluation.speech.measures import Listener
    from tunesmith.run.context import RunContext
    from tunesmith.run.evaluate import LossPair
    from tunesmith.run.prompts import Prompt

REFERENCE_CLIPS = 12
"""Clips of the user's own that results are held against: calibrated limits need eight."""


@dataclass(frozen=True)
class SideFiles:
    """One generated file of one side, measured; ``heard`` is its transcript, where there is one."""

    file: Path
    signals: Signals
    heard: str | None = None


@dataclass(frozen=True)
class ReferenceClip:
    """A crop of one of the user's clips, as long as what is generated; audio (C, N).

    ``coded`` is the crop after the model's own codec, and ``signals`` are its: what was generated has been through the
    codec too, and is not to be blamed for it. Speech is whole, and ``heard`` is its transcript, where there is one.
    """

    sample: Sample
    audio: np.ndarray
    coded: np.ndarray
    signals: Signals
    heard: str | None = None


def write_side(
    folder: Path,
    made: Sequence[tuple[np.ndarray, int]],
    suffix: str,
    prompts: Sequence[Prompt],
    listener: Listener | None = None,
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
    listener: Listener | None = None,
) -> dict[str, Any]:
    """The whole record; reference crops, and of speech the prompts' audio, are written into ``target`` as well."""
    from tunesmith.evaluation.speech.record import speech_record, write_asked
    from tunesmith.run.evaluate import as_losses

    profile: Profile = "music" if listener is None else "speech"
    seconds = context.recipe.evaluate.seconds if listener is None else None  # how long speech is, its text decides
    references = reference_clips(context, prompts, listener)
    base, tuned = sides.get("base_model"), sides["lora_model"]
    own = [i for i, p in enumerate(prompts) if p.kind != "base_style"]
    base_signals = [base[i].signals for i in own] if base else None
    tuned_signals = [tuned[i].signals for i in own]
    reference_signals = [clip.signals for clip in references]
    own_reference = reference_of(reference_signals, profile)
    run = RunData(
        base_signals, tuned_signals, reference_signals, own_reference, as_losses(losses), seconds, profile,
        kinds=[prompts[i].edit_type for i in own] if listener else (),
        clip_kinds=[edit_type(clip.sample.attributes) for clip in references] if listener else (),
    )  # fmt: skip
    findings = judge_run(run)
    watched = FEATURES if listener is None else SPEECH_FEATURES
    features = towards_reference(base_signals, tuned_signals, reference_signals, watched) if base_signals else []
    files = write_references(references, target, prompts)
    asked = write_asked(context.family, prompts, target) if listener else [{}] * len(prompts)

    def side(file: SideFiles) -> dict[str, Any]:
        found = diagnose_file(file.signals, seconds, profile, own_reference)
        return _heard(file.heard) | {
            "file": _relative(file.file, target),
            "signals": file.signals.to_json(),
            "verdicts": [_verdict(v) for v in found],
        }

    return ({} if listener is None else {"speech": speech_record(run, listener, prompts)}) | {
        "settings": {
            "seconds": seconds,
            "seed": context.recipe.evaluate.seed,
            "guidance": getattr(context.family.settings, "guidance", None),
            "adapter": adapter.as_posix(),
            "base": context.recipe.model.path,
            "sample_rate": tuned[0].signals.sample_rate,
        },
        "prompts": [
            {
                "prompt": p.text,
                "kind": p.kind,
                "seed": context.recipe.evaluate.seed + i,
                "base": side(base[i]) if base else None,
                "lora": side(tuned[i]),
                "reference": files.get(p.sample.id) if p.sample else None,
                **asked[i],
            }
            for i, p in enumerate(prompts)
        ],
        "reference": [
            {
                "clip": c.sample.id,
                "file": files.get(c.sample.id),
                "signals": c.signals.to_json(),
                **_heard(c.heard),
            }
            for c in references
        ],
        "losses": _losses(context, losses),
        "findings": [_finding(f) for f in findings],
        "features": [_feature(f) for f in features],
        "codec": codec_ceiling(references),
        "verdict": verdict(findings, features, as_losses(losses), context.recipe, profile),
    }


def reference_clips(
    context: RunContext, prompts: Sequence[Prompt], listener: Listener | None = None
) -> list[ReferenceClip]:
    """Crops of the user's clips at the model's rate: those of the prompts first, then others up to a fair number.

    Speech is not cropped, and held against the same text and voice as what is generated.
    """
    from tunesmith.audio.load import load
    from tunesmith.run.device import pick_device
    from tunesmith.run.spoken import prompt_of

    if not context.folder.manifest.exists():
        return []
    samples = {s.id: s for s in read_manifest(context.folder.manifest) if s.target is not None}
    order = [p.sample.id for p in prompts if p.sample] + sorted(samples)
    fair = max(REFERENCE_CLIPS, len({p.sample.id for p in prompts if p.sample}) if listener else 0)
    chosen = [samples[i] for i in dict.fromkeys(order) if i in samples][:fair]
    card = context.family.card()
    clips = []
    with context.family.encoder(pick_device(context.recipe.model.device)) as encoder:
        for sample in chosen:
            ref = sample.audios[context.family.audio_roles[-1]]
            longest = None if listener else ref.start + context.recipe.evaluate.seconds
            end = min((x for x in (ref.end, longest) if x is not None), default=None)
            audio = load(AudioRef(ref.path, ref.start, end), card.sample_rate, card.channels)
            coded = encoder.round_trip(audio)
            coded = audio if coded is None else coded
            if listener is None:
                clips.append(ReferenceClip(sample, audio, coded, measure(coded.T, card.sample_rate)))
            elif PROMPT in sample.audios:
                heard = listener.hear(prompt_of(sample), coded, card.sample_rate)
                clips.append(ReferenceClip(sample, audio, coded, heard.signals, heard.transcript))
    return clips


def write_references(references: Sequence[ReferenceClip], target: Path, prompts: Sequence[Prompt]) -> dict[str, str]:
    """Write the crops that belong to a prompt; returns file names by sample id."""
    from tunesmith.audio.write import write

    wanted = {p.sample.id for p in prompts if p.sample}
    files: dict[str, str] = {}
    for clip in references:
        if clip.sample.id in wanted:
            path = target / "reference" / f"{len(files):02d}.wav"
            write(path, clip.audio, clip.signals.sample_rate)
            files[clip.sample.id] = _relative(path, target)
    return files


def codec_ceiling(references: Sequence[ReferenceClip]) -> dict[str, Any] | None:
    """How the user's own clips sound after the codec alone: no adapter can sound better than this."""
    ratios, bands = [], []
    for clip in references:
        if clip.coded is clip.audio:
            return None
        length = min(clip.coded.shape[1], clip.audio.shape[1])
        original = clip.audio[:, :length]
        noise = float(((original - clip.coded[:, :length]) ** 2).sum())
        ratios.append(10 * np.log10(float((original**2).sum()) / max(noise, 1e-12)))
        bands.append(clip.signals.band_edge_hz)
    if not ratios:
        return None
    return {"snr_db": float(np.median(ratios)), "bandwidth_hz": float(np.median(bands)), "clips": len(ratios)}


def _losses(context: RunContext, pair: LossPair | None) -> dict[str, Any] | None:
    if pair is None or pair.base is None or pair.adapter is None:
        return None
    return {
        "base": vars(pair.base),
        "adapter": vars(pair.adapter),
        "base_style": {"base": pair.base_style[0], "adapter": pair.base_style[1]} if pair.base_style else None,
        "random": context.family.random_level(),
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


def _heard(transcript: str | None) -> dict[str, str]:
    return {} if transcript is None else {"heard": transcript}


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()
