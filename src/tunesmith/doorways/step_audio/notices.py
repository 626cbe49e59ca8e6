"""Notices before training: keys that have little or no effect here, and what the others amount to in updates."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.doorways.step_audio.config import Given
from tunesmith.doorways.step_audio.recipe import STAGES, stages
from tunesmith.recipe.models import Recipe
from tunesmith.texts import Message, msg

_ENCODED_ONCE = msg("audio is encoded once, before training, and then read from the disk")
_NEVER_CUT = msg("texts are never cut; the audio's length is what is limited")
_IDLE = {
    ("data", "num_workers"): _ENCODED_ONCE,
    ("data", "prefetch_factor"): _ENCODED_ONCE,
    ("data", "pin_memory"): _ENCODED_ONCE,
    ("data", "shuffle_size"): msg("the whole list is shuffled in every epoch"),
    ("data", "sort_size"): msg("clips of like length share a batch anyway"),
    ("data", "max_text_len"): _NEVER_CUT,
    ("data", "filter", "token_max_length"): _NEVER_CUT,
    ("data", "filter", "token_min_length"): msg("an empty text is what the checks look for"),
}
"""Keys without effect, and why."""


def remarks(given: Given, mode: str) -> Iterator[Message]:
    """A sentence for each key that the file gives and that does less or something else here."""
    for key, reason in _IDLE.items():
        if given.has(*key):
            yield _no_effect(given, key, reason)
    yield from _data(given)
    yield from _model(given)
    config = given.config
    if given.has("basic", "max_epoch") and None not in _lengths(given, mode):
        yield msg("{key} does not count where stage.stage*_epochs are given", key=given.where("basic", "max_epoch"))
    if not config.save.save_best:
        reason = msg("the best one is always kept; the report is about it")
        yield _no_effect(given, ("save", "save_best"), reason)


def _no_effect(given: Given, key: tuple[str, ...], reason: Message) -> Message:
    return msg("{key} has no effect: {reason}", key=given.where(*key), reason=reason)


def _lengths(given: Given, mode: str) -> list[int | None]:
    stage = given.config.stage
    epochs = {"llm": stage.stage1_epochs, "flow": stage.stage2_epochs, "joint": stage.stage3_epochs}
    return [epochs[name] for name in STAGES[mode]]


def _data(given: Given) -> Iterator[Message]:
    data = given.config.data
    if data.sample_rate != 24_000:
        reason = msg("every part gets the rate it was trained with (mel 24 kHz, tokenisers 16 kHz)")
        yield _no_effect(given, ("data", "sample_rate"), reason)
    if data.token_mel_ratio != 2:
        yield _no_effect(given, ("data", "token_mel_ratio"), msg("it is 2, by the model's own up-sampling"))
    if not data.use_spk_embedding:
        reason = msg("the flow always gets the prompt's own speaker vector, as in use")
        yield _no_effect(given, ("data", "use_spk_embedding"), reason)
    if data.max_frames_in_batch is not None and not given.has("data", "batch_size"):
        yield msg(
            "{key} cuts batches further; batch_size, which is not given, is {size}",
            key=given.where("data", "max_frames_in_batch"),
            size=data.batch_size,
        )
    longest = data.max_audio_len or (data.filter.max_length or 0) / 100
    if longest > 30:
        yield msg(
            "clips over 30 s are left out although the file allows {seconds:g} s: the model loses words in them",
            seconds=longest,
        )


def _model(given: Given) -> Iterator[Message]:
    import torch

    config = given.config
    if config.basic.device.startswith("cuda") and not torch.cuda.is_available():
        where = given.where("basic", "device")
        yield msg("{key}: there is no CUDA device here; the best that is there is used", key=where)
    if not config.model.flow.freeze_vocoder:
        yield _no_effect(given, ("model", "flow", "freeze_vocoder"), msg("the vocoder is never trained here"))
    if config.model.flow.lora and not config.model.flow.freeze_encoder:
        where = given.where("model", "flow", "freeze_encoder")
        yield msg("{key}: with lora the adapter goes on the decoder's layers", key=where)


def lengths(given: Given, mode: str, recipe: Recipe, per_epoch: int) -> Message:
    """What epochs and intervals come to in updates."""
    train, config = recipe.train, given.config
    return msg(
        "epochs: {epochs}, of {per_epoch} updates each ({batch} x {accumulation} clips); held-out loss every {valid} "
        "updates (val_interval {val_interval}), checkpoint files every {save} (save_interval {save_interval}), a line "
        "of loss every {log} (log_interval {log_interval} batches)",
        epochs=tuple(f"{name} {stage['epochs']:g}" for name, stage in stages(given, mode).items() if stage["epochs"]),
        per_epoch=per_epoch,
        batch=train.batch_size,
        accumulation=train.accumulation,
        valid=train.valid_every,
        val_interval=config.basic.val_interval,
        save=train.save_every,
        save_interval=config.save.save_interval,
        log=train.log_every,
        log_interval=config.basic.log_interval,
    )
