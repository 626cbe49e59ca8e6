"""The encode stage: every frozen encoder once per content, resumable at any clip."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from tunesmith.data.cache import EncodedStore
from tunesmith.data.sample import Sample, read_manifest
from tunesmith.run.context import RunContext

Work = tuple[Sample, dict[str, str], list[str]]
"""A sample, its keys by field, and the fields that are missing."""
FLUSH_SECONDS = 10.0
"""An interruption loses at most this much encoding."""


def encode(context: RunContext) -> dict[str, Any]:
    """Encode what the cache does not hold yet, one clip at a time."""
    family = context.family
    store = EncodedStore(context.folder.cache, family.fields())
    samples = list(read_manifest(context.folder.manifest))
    encoded = encode_samples(context, store, samples)
    reused = {name: len(samples) - number for name, number in encoded.items()}
    context.voice.say(", ".join(f"{name}: {encoded[name]} encoded, {reused[name]} reused" for name in encoded))
    return {"encoded": encoded, "reused": reused, "bytes": folder_bytes(store)}


def encode_samples(context: RunContext, store: EncodedStore, samples: Sequence[Sample]) -> dict[str, int]:
    """Encode what is missing of some samples; returns how many were encoded by field."""
    family = context.family
    work: list[Work] = []
    for sample in samples:
        keys = {spec.name: family.field_key(sample, spec.name) for spec in family.fields()}
        missing = store.missing(keys)
        if missing:
            work.append((sample, keys, missing))
    if work:
        fill_store(context, store, work)
    return {spec.name: sum(spec.name in missing for _, _, missing in work) for spec in family.fields()}


def fill_store(context: RunContext, store: EncodedStore, work: Sequence[Work]) -> None:
    """Encode and store, making progress durable every few seconds and on every way out."""
    from tunesmith.run.device import pick_device

    flushed = time.monotonic()
    with context.family.encoder(pick_device(context.recipe.model.device)) as encoder:
        try:
            with context.voice.progress("encode", len(work)) as advance:
                for sample, keys, missing in work:
                    still = [name for name in missing if keys[name] not in store.fields[name]]
                    if still:
                        store.put(keys, encoder.encode(sample, still))
                    if time.monotonic() - flushed > FLUSH_SECONDS:
                        store.flush()
                        flushed = time.monotonic()
                    advance()
        finally:
            store.flush()


def folder_bytes(store: EncodedStore) -> int:
    """Size of the cache on disk."""
    return sum(p.stat().st_size for p in store.folder.rglob("*") if p.is_file())
