"""``train/dataset/audio_edit_dataset.py``: the guide's list of pairs as a torch dataset, over the same front end.

Training itself does not read it: it encodes every pair once and reads the results from the disk. Items and batches are
the same.

Shapes: G groups of 120 ms, F mel frames (50 a second), C mel bins, L ids, E width of the speaker vector.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import DataLoader, Dataset

from tunesmith.data.sample import PROMPT, PROMPT_TEXT, AudioRef, Sample, edit_type
from tunesmith.doorways.step_audio.model_loader import locate_model
from tunesmith.errors import TunesmithError
from tunesmith.families.contract import Batch, Family
from tunesmith.families.step_audio.config import SAMPLE_RATE
from tunesmith.texts import Message, msg

if TYPE_CHECKING:
    from tunesmith.families.step_audio.encoder import StepAudioEncoder

_FIELDS = {
    "prompt_tokens": "prompt_codes",
    "target_tokens": "codes",
    "prompt_mel": "prompt_mel",
    "target_mel": "mel",
    "speaker_embedding": "speaker",
    "llm_prompt": "ids",
    "flow_encoder": "mu",
}
"""The guide's names, and what the cache calls them."""


class AudioEditDataset(Dataset[dict[str, Any]]):
    """Pairs of recordings, encoded when they are asked for.

    Args:
        data_path: The list, one JSON object per line.
        sample_rate: Of mel and vocoder; there is one.
        max_audio_len: Pairs with a longer recording, in seconds, are left out.
        max_text_len: Texts are never cut.
        tokenizer_path: Folder of the audio tokenisers, or of a model that has them inside or beside it, or ``pocket``.
        use_augment: Masks over the mel, which this objective has no use for.
        cache_tokens: Whether an item that was encoded is kept.
        model_path: Folder of the model; ``tokenizer_path`` where it is left out.

    Attributes:
        samples: The pairs that can be used.
        left_out: Why others cannot, by their ids.

    Raises:
        TunesmithError: when there is no list or no usable pair, or something is asked for that is not offered.
    """

    def __init__(
        self,
        data_path: str | Path,
        sample_rate: int = SAMPLE_RATE,
        max_audio_len: float = 30.0,
        max_text_len: int | None = None,
        tokenizer_path: str | Path | None = None,
        use_augment: bool = False,
        cache_tokens: bool = True,
        *,
        model_path: str | Path | None = None,
    ) -> None:
        _refuse(sample_rate, use_augment)
        self.cache_tokens, self._items = cache_tokens, dict[int, dict[str, Any]]()
        self.family = _family(model_path or tokenizer_path or "pocket", tokenizer_path if model_path else None)
        self.samples, self.left_out = _pairs(self.family, Path(data_path), max_audio_len)

    @cached_property
    def _encoder(self) -> StepAudioEncoder:
        from tunesmith.families.step_audio.encoding import StepAudioEncoding

        assert isinstance(self.family.encoding, StepAudioEncoding), "the family's own"
        return self.family.encoding.make_encoder("cpu")

    def __len__(self) -> int:
        """How many pairs there are."""
        return len(self.samples)

    def __getitem__(self, idx: int) -> dict[str, Any]:
        """One pair.

        Returns:
            ``prompt_tokens`` and ``target_tokens`` (5 G,), LLM ids; ``prompt_mel`` and ``target_mel`` (F, C);
            ``speaker_embedding`` (E,); ``llm_prompt`` (L,), what the LLM reads before it answers; ``flow_encoder``
            (F, C), the output of the flow's frozen encoder; and ``prompt_text``, ``target_text``, ``edit_type``.

        Raises:
            TunesmithError: when a recording cannot be encoded.
        """
        if idx not in self._items:
            made = self._encoded(self.samples[idx])
            if not self.cache_tokens:
                return made
            self._items[idx] = made
        return self._items[idx]

    def _encoded(self, sample: Sample) -> dict[str, Any]:
        names = [spec.name for spec in self.family.encoding.fields()]
        fields = self._encoder.encode(sample, names)
        tensors = {ours: torch.from_numpy(fields[field].copy()) for ours, field in _FIELDS.items() if field in fields}
        texts = {"prompt_text": sample.texts.get(PROMPT_TEXT, ""), "target_text": sample.texts.get("caption", "")}
        return {**tensors, **texts, "edit_type": edit_type(sample.attributes)}

    def collate_fn(self, batch: Sequence[dict[str, Any]]) -> Batch:
        """Items as the batch that both losses are computed on; nothing in it is drawn.

        Its keys are those of :mod:`tunesmith.families.step_audio.collate`.
        """
        items = [{field: item[ours].numpy() for ours, field in _FIELDS.items() if ours in item} for item in batch]
        return self.family.objective.collate(items, None)


def build_dataloader(  # noqa: PLR0913 - these are the guide's
    data_path: str | Path,
    batch_size: int,
    sample_rate: int = SAMPLE_RATE,
    max_audio_len: float = 30.0,
    max_text_len: int | None = None,
    tokenizer_path: str | Path | None = None,
    num_workers: int = 0,
    train: bool = True,
    *,
    model_path: str | Path | None = None,
) -> DataLoader[dict[str, Any]]:
    """A loader over :class:`AudioEditDataset`, whose arguments these are; ``train`` shuffles.

    Raises:
        TunesmithError: as the dataset does.
    """
    dataset = AudioEditDataset(
        data_path, sample_rate, max_audio_len, max_text_len, tokenizer_path, model_path=model_path
    )
    return DataLoader(
        dataset, batch_size=batch_size, shuffle=train, num_workers=num_workers, collate_fn=dataset.collate_fn
    )


def load_audio(audio_path: str | Path, target_sr: int = SAMPLE_RATE) -> tuple[torch.Tensor, int]:
    """A recording, mixed down and resampled: (1, N) float32, and its rate.

    Raises:
        TunesmithError: when it cannot be read.
    """
    from tunesmith.data.load import load

    return torch.from_numpy(load(AudioRef(str(audio_path)), target_sr, 1)), target_sr


def _refuse(sample_rate: int, use_augment: bool) -> None:
    if sample_rate != SAMPLE_RATE:
        raise TunesmithError(
            msg("mel and vocoder of this model work at {rate} Hz, not {given}", rate=SAMPLE_RATE, given=sample_rate),
            where="sample_rate",
            remedy=msg("Leave it out; recordings of any rate from 16 kHz are resampled."),
        )
    if use_augment:
        raise TunesmithError(
            msg("masks over the mel are not offered: the flow would learn to speak with holes"),
            where="use_augment",
            remedy=msg("Leave it out."),
        )


def _family(model: str | Path, tokenizer: str | Path | None) -> Family:
    from tunesmith.doorways.step_audio.model_loader import tokenizer_folder
    from tunesmith.families.step_audio.family import STEP_AUDIO
    from tunesmith.families.step_audio.settings import StepAudioSettings

    named = tokenizer_folder(str(tokenizer)) if tokenizer else ""
    return STEP_AUDIO.open(locate_model(model), StepAudioSettings(tokenizer_path=named))


def _pairs(family: Family, path: Path, longest: float) -> tuple[list[Sample], dict[str, Message]]:
    """The usable pairs of a list, and why the others cannot be used."""
    from tunesmith.data.layouts import read_layout

    if not path.is_file():
        raise TunesmithError(
            msg("there is no list {path}", path=str(path)), remedy=msg("Name a .jsonl file with one pair per line.")
        )
    read = read_layout(path, "pairs")
    family.checks.validate_samples(read.samples)
    found = family.checks.add_prompts(read.samples, 0)
    errors = [finding for finding in (*read.problems, *found.findings) if finding.level == "error"]
    left_out = {finding.clip: finding.message for finding in errors}
    kept = []
    for sample in found.samples:
        if reason := next(_too_long(sample, longest), None):
            left_out[sample.id] = reason
        else:
            kept.append(sample)
    if not kept:
        first = next(iter(left_out.values()), msg("the list is empty"))
        raise TunesmithError(
            msg("no pair of this list can be used; {reason}", reason=first),
            where=str(path),
            remedy=msg("Correct the list."),
        )
    return kept, left_out


def _too_long(sample: Sample, longest: float) -> Iterator[Message]:
    from tunesmith.audio.decode import probe

    references: list[AudioRef] = [sample.audios[PROMPT]] if PROMPT in sample.audios else []
    for reference in (*references, *sample.targets.values()):
        seconds = probe(reference.path).seconds
        if seconds > longest:
            yield msg("{seconds:.1f} s are more than {longest:g}", seconds=seconds, longest=longest)
