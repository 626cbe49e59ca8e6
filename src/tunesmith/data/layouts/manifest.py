"""``manifest.jsonl``: Tunesmith's own samples, one per line, as a run or a person wrote them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path, PurePosixPath

from tunesmith.data.layouts.dataset import Dataset, LayoutOptions
from tunesmith.data.layouts.layout import Layout
from tunesmith.data.layouts.moves import Moves
from tunesmith.data.layouts.names import spelt
from tunesmith.data.sample import AudioRef, Sample, read_manifest
from tunesmith.errors import TunesmithError
from tunesmith.texts import msg

NAME = "manifest"
FILE = "manifest.jsonl"


def detect(folder: Path, options: LayoutOptions) -> bool:
    """Whether the manifest is there."""
    return (folder / FILE).is_file()


def read(folder: Path, options: LayoutOptions) -> Dataset:
    """Every line; relative audio paths count from the manifest's folder.

    Raises:
        TunesmithError: when the manifest is missing, a line is no sample, or two share an id.
    """
    path = folder / FILE
    if not path.is_file():
        raise TunesmithError(msg("there is no manifest.jsonl"), where=str(folder), remedy=msg("Choose another layout."))
    samples = [_placed(sample, folder, options) for sample in read_manifest(path)]
    name, times = Counter(sample.id for sample in samples).most_common(1)[0] if samples else ("", 0)
    if times > 1:
        raise TunesmithError(
            msg("the id {id} is given {times} times", id=name, times=times),
            where=str(path),
            remedy=msg("Make every id unique."),
        )
    if any(sample.split == "valid" for sample in samples):
        return Dataset(samples, [], NAME, [msg("The manifest's own split is kept.")])
    return Dataset([replace(sample, split=None) for sample in samples], [], NAME)


def relist(folder: Path, options: LayoutOptions, moves: Moves) -> dict[PurePosixPath, bytes]:
    """The manifest without the samples that are gone, all of its paths relative to the copy."""
    lines, changed = [], False
    for sample in read_manifest(folder / FILE):
        if sample.id in moves.gone:
            changed = True
            continue
        audios = {role: moves.moved(_absolute(ref, folder)) for role, ref in sample.audios.items()}
        variants = tuple(
            replace(one, audios={role: moves.moved(_absolute(ref, folder)) for role, ref in one.audios.items()})
            for one in sample.variants
        )
        moved = replace(sample, audios=audios, variants=variants, source=sample.source or sample.id)
        changed |= (moved.audios, moved.variants) != (dict(sample.audios), sample.variants)
        lines.append(json.dumps(moved.to_json(), ensure_ascii=False) + "\n")
    return {PurePosixPath(FILE): "".join(lines).encode(errors="backslashreplace")} if changed else {}


def _placed(sample: Sample, folder: Path, options: LayoutOptions) -> Sample:
    audios = {role: _absolute(ref, folder) for role, ref in sample.audios.items()}
    texts = dict(sample.texts)
    if options.default_text and not any(text.strip() for text in texts.values()):
        texts["caption"] = options.default_text
    return replace(sample, audios=audios, texts=texts, source=sample.source or sample.id)


def _absolute(ref: AudioRef, folder: Path) -> AudioRef:
    path = (folder / ref.path).absolute()
    return replace(ref, path=str(spelt(path) or path))


LAYOUT = Layout(NAME, 20, detect, read, own_sources=True, relist=relist)
