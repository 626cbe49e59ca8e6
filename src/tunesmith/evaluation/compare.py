"""Builds the comparison record of docs/run_folder.md from generated audio, losses and the user's own clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tunesmith.data.sample import AudioRef, Sample, read_manifest
from tunesmith.evaluation.diagnosis import RunFinding, Verdict, diagnose_file, diagnose_run, reference_of
from tunesmith.evaluation.signals import Signals, measure
from tunesmith.evaluation.towards import FeatureShift, towards_reference
from tunesmith.evaluation.verdict import verdict

if TYPE_CHECKING:
    from tunesmith.run.context import RunContext
    from tunesmith.run.evaluate import LossPair
    from tunesmith.run.prompts import Prompt

REFERENCE_CLIPS = 12
"""Clips of the user's own that results are held against: calibrated limits need eight."""


@dataclass(frozen=True)
class SideFiles:
    """One generated file of one side, measured."""

    file: Path
    signals: Signals


@dataclass(frozen=True)
class ReferenceClip:
    """A crop of one of the user's clips, as long as what is generated; audio (C, N).

    ``coded`` is the crop after the model's own codec, and ``signals`` are its: what was generated has been through the
    codec too, and is not to be blamed for it.
    """

    sample: Sample
    audio: np.ndarray
    coded: np.ndarray
    signals: Signals


def write_side(folder: Path, made: Sequence[tuple[np.ndarray, int]], suffix: str) -> list[SideFiles]:
    """Write and measure one side's audio."""
    from tunesmith.audio.write import write

    files = []
    for index, (audio, rate) in enumerate(made):
        path = folder / f"{index:02d}.{suffix}"
        write(path, audio, rate)
        files.append(SideFiles(path, measure(audio.T, rate)))
    return files


def build_comparison(
    context: RunContext,
    prompts: Sequence[Prompt],
    sides: dict[str, list[SideFiles]],
    losses: LossPair | None,
    target: Path,
    adapter: Path,
) -> dict[str, Any]:
    """The whole record; reference crops are written into ``target`` as well."""
    from tunesmith.run.evaluate import as_losses

    seconds = context.recipe.evaluate.seconds
    references = reference_clips(context, prompts)
    base, tuned = sides.get("base_model"), sides["lora_model"]
    own = [i for i, p in enumerate(prompts) if p.kind != "base_style"]
    base_signals = [base[i].signals for i in own] if base else None
    tuned_signals = [tuned[i].signals for i in own]
    reference_signals = [clip.signals for clip in references]
    findings = diagnose_run(base_signals, tuned_signals, reference_signals, as_losses(losses), want_seconds=seconds)
    features = towards_reference(base_signals, tuned_signals, reference_signals) if base_signals else []
    files = write_references(references, target, prompts)
    own_reference = reference_of(reference_signals)

    def side(file: SideFiles) -> dict[str, Any]:
        found = diagnose_file(file.signals, seconds, reference=own_reference)
        return {
            "file": _relative(file.file, target),
            "signals": file.signals.to_json(),
            "verdicts": [_verdict(v) for v in found],
        }

    return {
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
            }
            for i, p in enumerate(prompts)
        ],
        "reference": [
            {"clip": c.sample.id, "file": files.get(c.sample.id), "signals": c.signals.to_json()} for c in references
        ],
        "losses": _losses(context, losses),
        "findings": [_finding(f) for f in findings],
        "features": [_feature(f) for f in features],
        "codec": codec_ceiling(references),
        "verdict": verdict(findings, features, as_losses(losses), context.recipe),
    }


def reference_clips(context: RunContext, prompts: Sequence[Prompt]) -> list[ReferenceClip]:
    """Crops of the user's clips at the model's rate: those of the prompts first, then others up to a fair number."""
    from tunesmith.audio.load import load
    from tunesmith.run.device import pick_device

    if not context.folder.manifest.exists():
        return []
    samples = {s.id: s for s in read_manifest(context.folder.manifest)}
    order = [p.sample.id for p in prompts if p.sample] + sorted(samples)
    chosen = [samples[i] for i in dict.fromkeys(order) if i in samples][:REFERENCE_CLIPS]
    card = context.family.card()
    clips = []
    with context.family.encoder(pick_device(context.recipe.model.device)) as encoder:
        for sample in chosen:
            ref = sample.audios[context.family.audio_roles[-1]]
            end = min(x for x in (ref.end, ref.start + context.recipe.evaluate.seconds) if x is not None)
            audio = load(AudioRef(ref.path, ref.start, end), card.sample_rate, card.channels)
            coded = encoder.round_trip(audio)
            coded = audio if coded is None else coded
            clips.append(ReferenceClip(sample, audio, coded, measure(coded.T, card.sample_rate)))
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


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()
