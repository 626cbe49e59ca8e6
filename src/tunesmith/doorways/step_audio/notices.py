"""What is said before training: keys that mean little or nothing here, and what the others come to."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.doorways.step_audio.config import Given
from tunesmith.doorways.step_audio.recipe import STAGES, stages
from tunesmith.recipe.models import Recipe

_IDLE = {
    ("data", "num_workers"): "audio is encoded once, before training, and then read from the disk",
    ("data", "prefetch_factor"): "audio is encoded once, before training, and then read from the disk",
    ("data", "pin_memory"): "audio is encoded once, before training, and then read from the disk",
    ("data", "shuffle_size"): "the whole list is shuffled in every epoch",
    ("data", "sort_size"): "clips of like length share a batch anyway",
    ("data", "max_text_len"): "texts are never cut; the audio's length is what is limited",
    ("data", "filter", "token_max_length"): "texts are never cut; the audio's length is what is limited",
    ("data", "filter", "token_min_length"): "an empty text is what the checks look for",
}
"""Keys without effect, and why."""


def remarks(given: Given, mode: str) -> Iterator[str]:
    """A sentence for each key that the file gives and that does less or something else here."""
    for key, reason in _IDLE.items():
        if given.has(*key):
            yield f"{given.where(*key)} has no effect: {reason}"
    yield from _data(given)
    yield from _model(given)
    config = given.config
    if given.has("basic", "max_epoch") and None not in _lengths(given, mode):
        yield f"{given.where('basic', 'max_epoch')} does not count where stage.stage*_epochs are given"
    if not config.save.save_best:
        yield f"{given.where('save', 'save_best')} has no effect: the best one is always kept; the report is about it"


def _lengths(given: Given, mode: str) -> list[int | None]:
    stage = given.config.stage
    own = {"llm": stage.stage1_epochs, "flow": stage.stage2_epochs, "joint": stage.stage3_epochs}
    return [own[name] for name in STAGES[mode]]


def _data(given: Given) -> Iterator[str]:
    data = given.config.data
    if data.sample_rate != 24_000:
        yield (
            f"{given.where('data', 'sample_rate')} has no effect: every part gets the rate it was trained with "
            "(mel 24 kHz, tokenisers 16 kHz)"
        )
    if data.token_mel_ratio != 2:
        yield f"{given.where('data', 'token_mel_ratio')} has no effect: it is 2, by the model's own up-sampling"
    if not data.use_spk_embedding:
        yield (
            f"{given.where('data', 'use_spk_embedding')} has no effect: the flow always gets the prompt's own speaker "
            "vector, as in use"
        )
    if data.max_frames_in_batch is not None and not given.has("data", "batch_size"):
        yield (
            f"{given.where('data', 'max_frames_in_batch')} cuts batches further; batch_size, which is not given, "
            f"is {data.batch_size}"
        )
    longest = data.max_audio_len or (data.filter.max_length or 0) / 100
    if longest > 30:
        yield f"clips over 30 s are left out although the file allows {longest:g} s: the model loses words in them"


def _model(given: Given) -> Iterator[str]:
    import torch

    config = given.config
    if config.basic.device.startswith("cuda") and not torch.cuda.is_available():
        yield f"{given.where('basic', 'device')}: there is no CUDA device here; the best that is there is used"
    if not config.model.flow.freeze_vocoder:
        yield f"{given.where('model', 'flow', 'freeze_vocoder')} has no effect: the vocoder is never trained here"
    if config.model.flow.lora and not config.model.flow.freeze_encoder:
        yield f"{given.where('model', 'flow', 'freeze_encoder')}: with lora the adapter goes on the decoder's layers"


def lengths(given: Given, mode: str, recipe: Recipe, per_epoch: int) -> str:
    """What epochs and intervals come to in updates."""
    train, config = recipe.train, given.config
    parts = [f"{name} {one['epochs']:g}" for name, one in stages(given, mode).items() if one["epochs"]]
    return (
        f"epochs: {', '.join(parts)}, of {per_epoch} updates each ({train.batch_size} x {train.accumulation} clips); "
        f"held-out loss every {train.valid_every} updates (val_interval {config.basic.val_interval}), checkpoint files "
        f"every {train.save_every} (save_interval {config.save.save_interval}), a line of loss every "
        f"{train.log_every} (log_interval {config.basic.log_interval} batches)"
    )
