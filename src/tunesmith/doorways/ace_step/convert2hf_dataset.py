"""``convert2hf_dataset.py``: a folder of clips becomes the Hugging Face dataset that ACE-Step's trainer reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from tunesmith.data.sample import Sample
from tunesmith.doorways.ace_step.options import COMMANDS, CONVERT_DEFAULTS, TYPES
from tunesmith.doorways.common import Parser, run_doorway
from tunesmith.errors import TunesmithError
from tunesmith.records.findings import Finding
from tunesmith.run.console import Console
from tunesmith.texts import Message, msg


def convert2hf_dataset(argv: Sequence[str] | None = None) -> int:
    """Convert a folder of clips."""
    parser = Parser(
        "convert2hf_dataset",
        msg("Make ACE-Step's Hugging Face dataset from clips with tags and lyrics."),
        CONVERT_DEFAULTS,
        TYPES,
    )
    parser.value("data_dir", msg("folder of clips with NAME_prompt.txt and, if they are sung, NAME_lyrics.txt"))
    parser.value("repeat_count", msg("how often the dataset lists every clip; audio is never copied"))
    parser.value("output_name", msg("the dataset folder to make"))
    args = parser.read(argv)
    parser.check_config_keys(args, COMMANDS)
    return _convert(Path(args.data_dir), args.repeat_count, Path(args.output_name), Console())


def _convert(folder: Path, repeats: int, target: Path, console: Console) -> int:
    from tunesmith.data.layouts import LayoutOptions, huggingface, read_layout, refuse_speech
    from tunesmith.doorways.ace_step.table import write_dataset

    if target.exists() and not huggingface.detect(target, LayoutOptions()):
        raise TunesmithError(
            msg("this is there already and is no dataset; nothing was changed"),
            where=str(target),
            remedy=msg("Give another --output_name."),
        )
    layout = read_layout(folder)
    refuse_speech(layout.name, folder)
    kept, findings = _examine(layout.samples, layout.problems, folder, console)
    for finding in findings:
        console.warn(_line(finding))
    for note in layout.notes:
        console.log(note)
    if not kept:
        first = next((finding for finding in findings if finding.level == "error"), None)
        raise TunesmithError(
            msg("no usable clip is left: {clip}: {reason}", clip=first.clip, reason=first.message)
            if first
            else msg("no usable clip is left"),
            where=str(folder),
            remedy=msg("Nothing was written; see the reasons above."),
        )
    write_dataset(target, [row_of(sample, key, folder) for sample, key in zip(kept, keys(kept), strict=True)], repeats)
    rows = msg(
        "{clips} clips x {repeats} = {rows} rows in {path}",
        clips=len(kept),
        repeats=repeats,
        rows=len(kept) * repeats,
        path=str(target),
    )
    without = sum("lyrics" not in sample.texts for sample in kept)
    console.log(msg("{said}; {count} clips have no lyrics", said=rows, count=without) if without else rows)
    console.log(msg("next: python trainer.py --dataset_path {path}", path=str(target)))
    return 0


def _line(finding: Finding) -> Message:
    if finding.level == "error":
        return msg("skipped {clip}: {said}", clip=finding.clip, said=finding.with_remedy())
    return msg("{clip}: {said}", clip=finding.clip, said=finding.with_remedy())


def _examine(
    samples: Sequence[Sample], problems: Sequence[Finding], folder: Path, console: Console
) -> tuple[list[Sample], list[Finding]]:
    """Clips that can be used, and what the user should know: every error, and texts that were hard to read.

    Comparing clips with each other is left to the trainer, which checks again.
    """
    from tunesmith.data.checks import run_checks

    with console.progress(msg("check"), len(samples)) as advance:
        report = run_checks(samples, fingerprint=False, signals=False, progress=advance, problems=problems)
    ids = {sample.id for sample in samples}
    shown = [f for f in report.findings if f.level == "error" or (f.check == "layout" and f.clip in ids)]
    findings = [_named(finding, folder) for finding in shown]
    findings += [_span(sample) for sample in report.kept if _is_span(sample)]
    return [sample for sample in report.kept if not _is_span(sample)], findings


def _named(finding: Finding, folder: Path) -> Finding:
    """A finding about a missing text with the name of the file that should hold it."""
    if finding.check != "missing_text":
        return finding
    name = f"{PurePosixPath(finding.clip).stem}_prompt.txt"
    exists = (folder / finding.clip).with_name(name).is_file()
    said = msg("{file} is empty", file=name) if exists else msg("{file} is missing", file=name)
    remedy = msg("Write its tags there, or run `tunesmith label`.")
    return finding.model_copy(update={"message": said, "remedy": remedy})


def _is_span(sample: Sample) -> bool:
    return any(ref.start or ref.end is not None for ref in sample.audios.values())


def _span(sample: Sample) -> Finding:
    return Finding(
        check="layout",
        level="error",
        clip=sample.id,
        message=msg("it is a part of a file, which this kind of dataset cannot name"),
        remedy=msg("Cut it out into a file of its own."),
    )


def keys(samples: Sequence[Sample]) -> list[str]:
    """A name for each clip: its file's stem, with its folders before it where stems repeat; always distinct."""
    stems = [PurePosixPath(sample.id).stem for sample in samples]
    names: list[str] = []
    for sample, stem in zip(samples, stems, strict=True):
        whole = "_".join(PurePosixPath(sample.id).with_suffix("").parts)
        name = stem if stems.count(stem) == 1 else whole
        number = 1
        while name in names:
            number += 1
            name = f"{whole}_{number}"
        names.append(name)
    return names


def row_of(sample: Sample, key: str, folder: Path) -> dict[str, Any]:
    """One clip as ACE-Step's columns have it; the path begins as ``--data_dir`` was given."""
    from tunesmith.data.tags import split_tags

    audio = Path(next(iter(sample.audios.values())).path)
    whole = folder.absolute()
    return {
        "keys": key,
        "filename": str(folder / audio.relative_to(whole)) if audio.is_relative_to(whole) else str(audio),
        "tags": split_tags(sample.texts.get("caption", "")),
        "speaker_emb_path": str(sample.attributes.get("speaker_emb_path") or ""),
        "norm_lyrics": sample.texts.get("lyrics", ""),
        "recaption": texts_of(sample.attributes.get("recaption")),
    }


def texts_of(recaption: Any) -> dict[str, str]:
    """The texts among a clip's recaptions; lists and tables in it have no place in the column."""
    return {k: v for k, v in recaption.items() if isinstance(v, str)} if isinstance(recaption, Mapping) else {}


def main() -> int:
    """Entry of the script."""
    return run_doorway(convert2hf_dataset)
