"""The clips of a folder as labelling sees them: the sound, the user's own words, and where tags are written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tunesmith.data.labels import LabelStore
from tunesmith.data.layouts import Dataset
from tunesmith.data.layouts.beside import LYRIC_FILES
from tunesmith.data.layouts.text_files import read_text
from tunesmith.data.sample import AudioRef, Sample
from tunesmith.data.tags import split_tags
from tunesmith.errors import TunesmithError
from tunesmith.texts import msg


@dataclass(frozen=True)
class ClipToLabel:
    """One clip to label.

    Attributes:
        id: The sample's id.
        ref: Its audio.
        tags: The user's own tags, not those that labelling wrote.
        lyrics: Its lyrics, if any.
        text_file: Where its tags belong; ``None`` in layouts that list them in one file.
        written: The tags that labelling wrote there before.
    """

    id: str
    ref: AudioRef
    tags: tuple[str, ...]
    lyrics: str
    text_file: Path | None
    written: tuple[str, ...] = ()


def clips_of(layout: Dataset, store: LabelStore, *, overwrite: bool) -> list[ClipToLabel]:
    """The clips of a layout.

    Args:
        layout: As read.
        store: The labels so far, which tell our tags from the user's.
        overwrite: Treat tags in files beside a clip as if they were ours.

    Raises:
        TunesmithError: for samples of several audios.
    """
    return [_clip(sample, layout.caption_files.get(sample.id), store, overwrite) for sample in layout.samples]


def _clip(sample: Sample, text_file: Path | None, store: LabelStore, overwrite: bool) -> ClipToLabel:
    if len(sample.audios) != 1:
        what = msg(
            "this sample has {count} audios ({roles}), and a label describes one",
            count=len(sample.audios),
            roles=tuple(sample.audios),
        )
        raise TunesmithError(what, where=sample.id, remedy=msg("Label a folder of single clips."))
    (ref,) = sample.audios.values()
    path = Path(ref.path)
    tags = tuple(split_tags(sample.texts.get("tags") or sample.texts.get("caption", "")))
    ours = store.wrote(sample.id, tags) or (overwrite and text_file is not None)
    own = store.tags_by_hand(sample.id) if ours or not tags else tags
    return ClipToLabel(sample.id, ref, own, _lyrics(sample, path), text_file, tags if ours else ())


def _lyrics(sample: Sample, path: Path) -> str:
    """The sample's lyrics; those beside a clip too, as not every layout reads them."""
    if "lyrics" in sample.texts:
        return sample.texts["lyrics"]
    files = (path.with_name(f"{path.stem}{ending}") for ending in LYRIC_FILES)
    return next((read_text(file)[0] for file in files if file.is_file()), "")
