"""What the fields of records are called on the page: evidence, plans, environments, and what a stage left."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.evaluation.signal_names import SIGNALS
from tunesmith.report.numbers import UNKNOWN, plain
from tunesmith.report.signal_texts import signal_name
from tunesmith.texts import Message, joined, msg

FIELDS: dict[str, Message] = {
    # evidence of a finding
    "adapter": msg("adapter"),
    "away": msg("further away"),
    "base": msg("base"),
    "base_flagged": msg("flagged of the base"),
    "base_outputs": msg("outputs of the base"),
    "base_p_value": msg("p-value of the base"),
    "best": msg("lowest loss"),
    "change": msg("change"),
    "clips": msg("clips"),
    "copies": msg("copies"),
    "difference": msg("difference"),
    "edit_types": msg("edit types"),
    "features": msg("features"),
    "fewest": msg("needed"),
    "flagged": msg("flagged"),
    "half_at": msg("halved at strength"),
    "high": msg("at most"),
    "identical": msg("identical"),
    "kept": msg("usable"),
    "largest": msg("largest"),
    "layers": msg("layers"),
    "learning_rate": msg("learning rate"),
    "limit": msg("limit"),
    "low": msg("at least"),
    "median": msg("median"),
    "median_difference": msg("median difference"),
    "n": msg("count"),
    "needed": msg("needed"),
    "null": msg("usual"),
    "outputs": msg("outputs"),
    "own_clips": msg("your own clips"),
    "own_flagged": msg("flagged of your own clips"),
    "p_value": msg("p-value"),
    "prompts": msg("prompts"),
    "reference": msg("reference"),
    "score": msg("score"),
    "share": msg("share"),
    "silent_clips": msg("clips with silence"),
    "size": msg("difference that matters"),
    "spread": msg("spread"),
    "strength": msg("strength"),
    "towards": msg("closer"),
    "train": msg("training clips"),
    # a plan
    "activations": msg("activations"),
    "adapter and optimizer": msg("adapter and optimizer"),
    "adapter_parameters": msg("parameters of the adapter"),
    "assumes": msg("assuming"),
    "audio": msg("audio"),
    "base style": msg("the base model's own style"),
    "cache": msg("cache"),
    "checkpoints": msg("checkpoints"),
    "clips_per_update": msg("clips per update"),
    "device": msg("device"),
    "devices": msg("devices"),
    "disk": msg("disk"),
    "disk_bytes": msg("bytes on the disk"),
    "download": msg("download"),
    "encoding": msg("encoding"),
    "epochs": msg("passes over the clips"),
    "evaluate": msg("evaluate"),
    "frames_per_micro_batch": msg("frames per micro-batch"),
    "generate": msg("generate"),
    "held_out": msg("held-out clips"),
    "listening": msg("previews and listening"),
    "memory": msg("memory"),
    "memory_bytes": msg("bytes of memory"),
    "peak_learning_rate": msg("peak learning rate"),
    "peak_learning_rates": msg("peak learning rates"),
    "precision": msg("precision"),
    "previews": msg("previews"),
    "report": msg("report"),
    "runtime": msg("runtime"),
    "seconds": msg("seconds"),
    "seconds_of_audio": msg("seconds of audio"),
    "total_seconds": msg("seconds in all"),
    "train_clips": msg("training clips"),
    "training": msg("training"),
    "updates": msg("updates"),
    "warmup": msg("warm-up"),
    "weights": msg("weights"),
    # an environment
    "command": msg("command"),
    "family": msg("family"),
    "licence": msg("licence"),
    "model": msg("base model"),
    "parameters": msg("parameters"),
    "path": msg("path"),
    "platform": msg("platform"),
    "sample_rate": msg("sample rate"),
    "versions": msg("version"),
    # what a stage left
    "best_loss": msg("best held-out loss"),
    "best_update": msg("best update"),
    "bytes": msg("bytes"),
    "file": msg("file"),
    "layout": msg("layout"),
    "skipped": msg("skipped updates"),
    "split_kind": msg("split"),
    "trained_parameters": msg("trained parameters"),
    "valid": msg("held-out clips"),
}
"""Name of a field to what it is called."""
TERMS_OF_LOSSES: dict[str, Message] = {
    "codebook": msg("codebook {n}"),
    "sigma": msg("noise level {n}"),
    "denoise": msg("denoising"),
    "flow": msg("flow"),
    "flow_t": msg("flow at time {n}"),
    "llm": msg("language model"),
    "llm_accuracy": msg("accuracy of the language model"),
}
"""Beginning of a loss term's name to what it is called."""


def field_name(name: str) -> Message:
    """What a field is called; a name that is in no table stands as it is, without underscores."""
    if name in FIELDS:
        return FIELDS[name]
    return signal_name(name, unit=False) if name in SIGNALS else loss_term(name)


def loss_term(name: str) -> Message:
    """What a term of the loss is called: ``codebook_2``, ``sigma_0.60``."""
    found = re.fullmatch(r"([a-z_]+?)_?([\d.]+)?", name)
    if found and found[1] in TERMS_OF_LOSSES:
        return Message(TERMS_OF_LOSSES[found[1]].id, {"n": found[2]} if found[2] else {})
    return Message.fixed(name.replace("_", " "))


def field_path(names: Sequence[str]) -> Message:
    """Fields within fields: ``disk · cache``."""
    first, *others = [field_name(name) for name in names]
    for other in others:
        first = Message("{first} · {second}", {"first": first, "second": other})
    return first


def worded(value: Any) -> Message:
    """Any JSON value as one short line, its fields by what they are called."""
    if isinstance(value, Message):
        return value
    if isinstance(value, bool):
        return msg("yes") if value else msg("no")
    if isinstance(value, Mapping):
        parts = [Message("{name} {value}", {"name": field_name(k), "value": worded(v)}) for k, v in value.items()]
        return joined(parts) if parts else Message.fixed(UNKNOWN)
    if isinstance(value, list | tuple) and value:
        return joined([worded(item) for item in value])
    return Message.fixed(plain(value))
