"""From any folder of clips to ``train/``, ``valid/`` and ``metadata.json`` at the model's rate, originals untouched."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from tunesmith.audio.write import write
from tunesmith.data.checks import CheckLimits, CheckReport, run_checks
from tunesmith.data.layouts import Dataset, read_layout, refuse_speech
from tunesmith.data.load import load
from tunesmith.data.sample import Sample
from tunesmith.data.split import SplitKind, split
from tunesmith.errors import TunesmithError
from tunesmith.files import read_json, write_json
from tunesmith.records.findings import Finding
from tunesmith.texts import Message, msg

RECORD = "prepared.json"
"""What an earlier preparation wrote, so that only its own files are ever overwritten."""


@dataclass(frozen=True)
class Prepared:
    """What was written, and what was left out and why.

    Attributes:
        metadata: The metadata list.
        files: Written clips relative to the output folder, by sample id.
        findings: All findings, those of the clips left out among them.
        quarantined: Reason by id of each clip left out.
        notes: What was decided on the way.
        kind: How the split came about.
    """

    metadata: Path
    files: dict[str, str]
    findings: list[Finding]
    quarantined: dict[str, Message]
    notes: list[Message]
    kind: SplitKind


def prepare(
    input_dir: Path,
    output_dir: Path,
    *,
    metadata_file: str = "metadata.json",
    default_text: str | None = None,
    sample_rate: int = 32_000,
    limits: CheckLimits | None = None,
    seed: int = 0,
    progress: Callable[[str, int, int], None] | None = None,
) -> Prepared:
    """Check, split, resample and write a dataset.

    Args:
        input_dir: Clips in any layout.
        output_dir: Gets ``train/``, ``valid/``, the metadata list and ``prepared.json``.
        metadata_file: Name of the list in the output folder; a list of that name in the input folder is read.
        default_text: Caption of clips that have none.
        sample_rate: Of the written 16-bit WAV files, in Hz.
        limits: Of the checks.
        seed: Of the split.
        progress: Called with the stage (``check`` or ``write``), how many are done, and of how many.

    Raises:
        TunesmithError: for an unreadable input, a set without one usable clip, or an output that would overwrite a
            file that this function did not write.
    """
    input_dir, output_dir = Path(input_dir), Path(output_dir)
    if input_dir.resolve() == output_dir.resolve():
        raise TunesmithError(
            msg("input and output are the same folder"),
            where=str(input_dir),
            remedy=msg("Choose another output folder."),
        )
    layout, notes = _read(input_dir, output_dir, metadata_file, default_text)
    report = _check(layout, limits, sample_rate, progress)
    if not report.kept:
        raise TunesmithError(_none_left(len(layout.samples), report.quarantined), where=str(input_dir))
    result = split(report.kept, seed=seed, similar=report.similar)
    targets = name_files(result.samples)
    _refuse_overwriting(layout.samples, output_dir, [*targets.values(), metadata_file])
    _record(output_dir, [*targets.values(), metadata_file], report)
    clipped = _write(result.samples, targets, report, output_dir, sample_rate, progress)
    write_json(output_dir / metadata_file, _metadata(result.samples, targets, result.kind))
    return Prepared(
        metadata=output_dir / metadata_file,
        files=targets,
        findings=[*report.findings, *clipped],
        quarantined=report.quarantined,
        notes=[*notes, *report.notes, *result.notes],
        kind=result.kind,
    )


def name_files(samples: Sequence[Sample]) -> dict[str, str]:
    """A WAV name under ``train/`` or ``valid/`` for each sample id, distinct also where case is ignored."""
    taken: set[str] = set()
    names = {}
    for sample in samples:
        path = PurePosixPath(sample.id.rpartition("@")[0] or sample.id)
        candidates = [path.stem, "_".join(path.with_suffix("").parts)]
        number = 2
        while (name := f"{sample.split}/{candidates[0]}.wav").casefold() in taken:
            candidates = candidates[1:] or [f"{path.stem} ({number})"]
            number += 1
        taken.add(name.casefold())
        names[sample.id] = name
    return names


def _read(
    input_dir: Path, output_dir: Path, metadata_file: str, default_text: str | None
) -> tuple[Dataset, list[Message]]:
    """The input's layout without what an earlier preparation wrote into a folder inside it."""
    list_name = metadata_file if (input_dir / metadata_file).is_file() else "metadata.json"
    layout = read_layout(input_dir, default_text=default_text, metadata_file=list_name)
    refuse_speech(layout.name, input_dir)
    output = output_dir.resolve()
    written = [
        s for s in layout.samples if any(Path(a.path).resolve().is_relative_to(output) for a in s.audios.values())
    ]
    notes = list(layout.notes)
    if written and output.is_relative_to(input_dir.resolve()):
        notes.append(msg("{count} clips inside the output folder are not taken as input.", count=len(written)))
        names = {sample.id for sample in written}
        layout = replace(layout, samples=[sample for sample in layout.samples if sample.id not in names])
    return layout, notes


def _check(
    layout: Dataset,
    limits: CheckLimits | None,
    sample_rate: int,
    progress: Callable[[str, int, int], None] | None,
) -> CheckReport:
    done = 0

    def advance(steps: int) -> None:
        nonlocal done
        done += steps
        if progress:
            progress("check", done, len(layout.samples))

    return run_checks(
        layout.samples,
        limits,
        workers="auto",
        progress=advance,
        problems=layout.problems,
        model_sample_rate=sample_rate,
    )


def _none_left(count: int, quarantined: Mapping[str, Message]) -> Message:
    if not quarantined:
        return msg("no usable clip is left of {count}; the folder: it holds no clips", count=count)
    clip, reason = next(iter(quarantined.items()))
    return msg("no usable clip is left of {count}; {clip}: {reason}", count=count, clip=clip, reason=reason)


def _refuse_overwriting(samples: Sequence[Sample], output_dir: Path, targets: Collection[str]) -> None:
    """Stop before anything is written over an original, or over a file that is not known as our own."""
    originals = {Path(ref.path).resolve() for sample in samples for ref in sample.audios.values()}
    record = output_dir / RECORD
    known = set(read_json(record).get("files", [])) if record.is_file() else set()
    for target in targets:
        path = output_dir / target
        if path.resolve() in originals:
            raise TunesmithError(
                msg("this output file is one of the input files"),
                where=str(path),
                remedy=msg("Choose another output folder."),
            )
        if path.exists() and target not in known:
            raise TunesmithError(
                msg("this file exists and was not written by an earlier preparation; nothing was changed"),
                where=str(path),
                remedy=msg("Choose another output folder, or move the file away."),
            )


def _record(output_dir: Path, targets: Collection[str], report: CheckReport) -> None:
    """Before the first file is written, so that an interrupted preparation can be run again."""
    record = output_dir / RECORD
    earlier = read_json(record).get("files", []) if record.is_file() else []
    files = sorted({*earlier, *targets})
    write_json(record, {"files": files, "findings": [finding.model_dump(mode="json") for finding in report.findings]})


def _write(
    samples: Sequence[Sample],
    targets: Mapping[str, str],
    report: CheckReport,
    output_dir: Path,
    sample_rate: int,
    progress: Callable[[str, int, int], None] | None,
) -> list[Finding]:
    findings = []
    channels = {Path(a.path): report.facts[s.id][r].channels for s in report.kept for r, a in s.audios.items()}
    for done, sample in enumerate(samples, 1):
        ref = next(iter(sample.audios.values()))
        audio = load(ref, sample_rate, min(2, channels[Path(ref.path)]))
        clipped = write(output_dir / targets[sample.id], audio, sample_rate)
        if clipped:
            findings.append(_clipped(sample.id, clipped, audio.size))
        if progress:
            progress("write", done, len(samples))
    return findings


def _clipped(clip: str, count: int, of: int) -> Finding:
    return Finding(
        check="prepare",
        level="warn",
        clip=clip,
        message=msg(
            "{count} of {samples} samples were beyond full scale and were clipped when written as 16 bit",
            count=count,
            samples=of,
        ),
        value=count,
        limit=0,
        unit="samples",
        remedy=msg("Lower its level by a few dB if that can be heard."),
    )


def _metadata(samples: Sequence[Sample], targets: Mapping[str, str], kind: SplitKind) -> list[dict[str, Any]]:
    """One object per clip, as often as the input listed it; ends cut from a track name it."""
    items = []
    for sample in samples:
        item = {"audio": targets[sample.id], "text": sample.texts.get("caption", "")}
        if kind == "within_track":
            item["cut_from"] = sample.source
        items += [item] * sample.repeats
    return items
