"""What the base model itself makes of its own kind of prompts, kept to see whether an adapter forgets it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from tunesmith.adapters.scale import set_scale
from tunesmith.data.content import checkpoint_content, content_key
from tunesmith.families.contract import Generated, GenerationRequest
from tunesmith.files import atomic_path
from tunesmith.run import base_cache
from tunesmith.run.adapted import on_device
from tunesmith.run.context import RunContext
from tunesmith.texts import msg
from tunesmith.training.previews import base_style_requests, base_style_seconds

if TYPE_CHECKING:
    from torch import nn

    from tunesmith.training.run_state import RunState

FORMAT = 1
"""Of what is kept for all runs; another one where samplers or encodings change what they make."""


def base_style_path(context: RunContext) -> Path:
    """Where a run keeps the base model's outputs; the name depends on base, prompts, length and seed."""
    recipe = context.recipe
    prompts = (
        context.family.generation.base_prompts()[: recipe.evaluate.forgetting_prompts],
        context.family.generation.base_edits(),
    )
    base = (context.family.path, context.family.checkpoint.revision, context.family.settings.model_dump_json())
    key = content_key(*base, prompts, base_style_seconds(recipe), recipe.generate.seed)
    return context.folder.cache / f"base_style-{key[:12]}.npz"


def store_base_style(path: Path, made: list[Generated]) -> None:
    """Keep the encoded form of generated clips."""
    with atomic_path(path) as temporary:
        arrays: dict[str, Any] = {f"{i}.{k}": v for i, clip in enumerate(made) for k, v in clip.encoded.items()}
        np.savez(temporary, **arrays)


def stored_base_style(context: RunContext) -> list[dict[str, Any]]:
    """The encoded clips, or none where they were never made or cannot be read; the latter is said."""
    path = base_style_path(context)
    if not path.exists():
        return []
    items: dict[int, dict[str, Any]] = {}
    try:
        with np.load(path) as stored:
            for name in stored.files:
                number, field = name.split(".", 1)
                items.setdefault(int(number), {})[field] = stored[name]
    except (BadZipFile, ValueError, EOFError, KeyError):
        context.console.warn(msg("{path} is damaged; training makes it again", path=str(path)))
        return []
    return [items[i] for i in sorted(items)]


def base_items(run: RunState) -> list[dict[str, Any]]:
    """Encoded clips in the base model's own style, made once and kept in the cache."""
    state = run.state
    with state.measuring():  # outside, because it may put averaged weights in the place of the tuned ones
        return base_style_items(run.context, state.networks, str(state.accelerator.device))


def base_style_items(context: RunContext, networks: Mapping[str, nn.Module], device: str) -> list[dict[str, Any]]:
    """Encoded clips in the base model's own style, made now where they are not kept in the cache.

    Args:
        context: The run; its recipe decides for which prompts.
        networks: Base and adapter; the adapter's scale is 1 afterwards.
        device: Where they are.
    """
    if not context.recipe.evaluate.forgetting_prompts or not context.family.generation.base_prompts():
        return []
    if stored := stored_base_style(context):
        return stored
    requests = base_style_requests(context)
    path, key = base_style_path(context), request_key(context, networks, device, requests)
    if base_cache.take(key, path) and (stored := stored_base_style(context)):
        return stored
    made = _answers(context, networks, device, requests)
    store_base_style(path, made)
    if made:
        base_cache.give(key, path)
    return stored_base_style(context)


def _answers(
    context: RunContext, networks: Mapping[str, nn.Module], device: str, requests: Sequence[GenerationRequest]
) -> list[Generated]:
    """What the base makes of requests; networks that training does without are loaded for it alone."""
    family = context.family
    if not requests:
        return []
    absent = [name for name in family.networks.names if name not in networks]
    others = on_device(family.networks.load(absent), device, family.networks.full_precision) if absent else {}
    set_scale(networks, 0.0)
    try:
        return list(family.generation.generator({**networks, **others}, device).generate(requests))
    finally:
        set_scale(networks, 1.0)


def request_key(
    context: RunContext, networks: Mapping[str, nn.Module], device: str, requests: Sequence[GenerationRequest]
) -> str:
    """Key of a base model, how it is held, and everything that it is asked."""
    family = context.family
    held = [f"{name} {sorted({str(p.dtype) for p in networks[name].parameters()})}" for name in sorted(networks)]
    asked = [
        (
            sorted(r.texts.items()),
            r.seconds,
            r.seed,
            sorted(r.options.items()),
            [(role, hashlib.blake2b(audio.tobytes()).hexdigest()) for role, audio in sorted(r.source.items())],
        )
        for r in requests
    ]
    base = checkpoint_content(family.checkpoint.folder)
    return content_key(FORMAT, base, family.settings.model_dump_json(), held, device.partition(":")[0], asked)
