"""``dataset.py``: clips of a metadata file as a torch ``Dataset``, through the front end that training encodes with.

``train_lora.py`` itself reads clips that were encoded once (``tunesmith.training.clips``); this is for those who want
to look at the data, or to feed it to a loop of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch.utils.data import DataLoader, Dataset

from tunesmith.data.layouts import read_layout
from tunesmith.data.load import load
from tunesmith.data.sample import AudioRef
from tunesmith.doorways.musicgen.setup import require_list
from tunesmith.errors import TunesmithError
from tunesmith.texts import msg

if TYPE_CHECKING:
    from tunesmith.data.sample import Sample

Item = dict[str, Any]
SAMPLE_RATE = 32_000
"""Of the released checkpoints, in Hz."""


class MusicGenDataset(Dataset[Item]):
    """Clips and captions as the codec and the text encoder are given them.

    An item has ``audio`` (channels, frames) float32 at ``sample_rate``, never padded; ``text``, its caption; ``path``
    of the file; and ``seconds``.

    Args:
        data_dir: Folder of the metadata file.
        metadata_file: Its name.
        split: ``train`` or ``valid`` by the folders in the list; ``None`` for all clips.
        sample_rate: Hz that the codec takes.
        channels: 1, or 2 for a stereo checkpoint.
        max_duration: Seconds; of a longer clip this is its beginning, of which training takes random parts.

    Raises:
        TunesmithError: when the list is not there or wrong, or has no clip of that split.
    """

    def __init__(
        self,
        data_dir: str | Path = "./finetune/data",
        metadata_file: str = "metadata.json",
        split: Literal["train", "valid"] | None = None,
        *,
        sample_rate: int = SAMPLE_RATE,
        channels: int = 1,
        max_duration: float = 30.0,
    ) -> None:
        require_list(data_dir, metadata_file)
        self.sample_rate, self.channels, self.max_duration = sample_rate, channels, max_duration
        found = read_layout(Path(data_dir), "metadata", metadata_file=metadata_file)
        self.samples: list[Sample] = [s for s in found.samples if split in (None, s.split or "train")]
        if not self.samples:
            raise TunesmithError(
                msg("no clip of this list can be read (split: {split})", split=split or msg("all")),
                where=str(Path(data_dir) / metadata_file),
                remedy=msg("Run test_dataset.py to see why."),
            )

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Item:
        sample = self.samples[index]
        clip = sample.audios["audio"]
        whole = load(AudioRef(clip.path, clip.start, clip.end), self.sample_rate, self.channels)
        audio = torch.from_numpy(whole[:, : round(self.max_duration * self.sample_rate)].copy())
        return {
            "audio": audio,
            "text": sample.texts.get("caption", ""),
            "path": clip.path,
            "seconds": audio.shape[-1] / self.sample_rate,
        }


def collate_fn(items: Sequence[Item]) -> Item:
    """A batch: ``audio`` (B, C, N), padded with zeros at the end; ``padding_mask`` (B, N), true where there is sound.

    ``text``, ``path`` and ``seconds`` are lists. Whatever is trained on such a batch must leave the padding out of its
    loss: a model that is taught silence fades.
    """
    frames = [item["audio"].shape[-1] for item in items]
    audio = torch.zeros(len(items), items[0]["audio"].shape[0], max(frames))
    mask = torch.zeros(len(items), max(frames), dtype=torch.bool)
    for row, (item, length) in enumerate(zip(items, frames, strict=True)):
        audio[row, :, :length] = item["audio"]
        mask[row, :length] = True
    return {
        "audio": audio,
        "padding_mask": mask,
        **{name: [item[name] for item in items] for name in ("text", "path", "seconds")},
    }


def create_dataloader(dataset: MusicGenDataset, batch_size: int = 2, *, shuffle: bool = False) -> DataLoader[Item]:
    """Batches of :func:`collate_fn`, read in this process."""
    return DataLoader(dataset, batch_size=batch_size, shuffle=shuffle, collate_fn=collate_fn)
