"""The encode stage: every frozen encoder once per content, resumable at any clip."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from tunesmith.audio.problems import UnreadableAudioError
from tunesmith.data.cache import EncodedStore
from tunesmith.data.content import content_key
from tunesmith.data.fields import FieldSpec
from tunesmith.data.mapped_manifest import map_manifest
from tunesmith.data.sample import Sample, Variant, write_manifest
from tunesmith.errors import TunesmithError, UnfitSampleError
from tunesmith.records.clip_index import ClipIndex
from tunesmith.records.findings import CheckFindings, Finding
from tunesmith.run.base_card import base_model, keep_base
from tunesmith.run.context import RunContext
from tunesmith.stages.encode_clips import Work, encoded_clips
from tunesmith.stages.spoken_names import spoken
from tunesmith.texts import Message, as_message, joined, msg

Unfit = list[tuple[Sample, UnfitSampleError | UnreadableAudioError]]
"""Samples and variants that cannot be encoded, or not be read any more."""
NAMED = 10
"""Clips of a damaged cache that are named; the others are counted."""
FLUSH_SECONDS = 10.0
"""An interruption loses at most this much encoding."""


def encode(context: RunContext) -> dict[str, Any]:
    """Encode what the cache does not hold yet, one clip at a time."""
    family = context.family
    store = EncodedStore(context.folder.cache, family.encoding.fields())
    samples: Sequence[Sample] = map_manifest(context.folder.manifest)
    discard_damaged(context, store, samples)
    unfit: Unfit = []
    encoded = encode_samples(context, store, samples, unfit, alone=False)
    if unfit:
        samples = put_aside(context, samples, unfit)
    write_clip_index(context, samples)
    keep_base(context)  # which may have been downloaded only now
    reused = {name: len(samples) - number for name, number in encoded.items()}
    counts = [
        msg(
            "{field}: {encoded} encoded, {reused} reused",
            field=spoken(name),
            encoded=encoded[name],
            reused=reused[name],
        )
        for name in encoded
    ]
    context.console.log(joined(counts))
    return {"encoded": encoded, "reused": reused, "bytes": folder_bytes(store)}


def is_cache_sound(context: RunContext) -> bool:
    """Whether everything in the cache is what was encoded; entries from before there were checksums get theirs."""
    kept = base_model(context).fields
    fields = [FieldSpec(name, dtype) for name, dtype in kept.items()] or context.family.encoding.fields()
    store = EncodedStore(context.folder.cache, fields)
    store.seal()
    return not (store.lost or store.damaged())


def discard_damaged(context: RunContext, store: EncodedStore, samples: Sequence[Sample]) -> None:
    """Take damaged entries out of the cache and name their clips, so that they are encoded again."""
    if context.folder.clip_index.exists():  # everything was encoded once
        for field in store.lost:
            context.console.warn(msg("the cache's index of {field} is gone or damaged; it is made again", field=field))
    store.seal()
    damaged = {name: set(keys) for name, keys in store.damaged().items()}
    if not damaged:
        return
    encoding = context.family.encoding
    clips = [
        sample.id
        for sample in samples
        if any(
            encoding.field_key(variant, name)[:32] in keys
            for variant in sample.in_variants()
            for name, keys in damaged.items()
        )
    ]
    store.discard(damaged)
    if clips:
        shown = (*clips[:NAMED], *(["…"] if len(clips) > NAMED else []))
        context.console.warn(
            msg(
                "what the cache holds of {count} clips is damaged or gone, and is encoded again: {clips}",
                count=len(clips),
                clips=shown,
            )
        )


def write_clip_index(context: RunContext, samples: Sequence[Sample]) -> None:
    """Write down the content of every clip; training is compared with it, wherever the files lie."""
    encoding = context.family.encoding
    names = [spec.name for spec in encoding.fields()]
    clips: dict[str, str] = {}
    for sample in samples:
        keys = [encoding.field_key(variant, name) for variant in sample.in_variants() for name in names]
        clips[sample.id] = f"{sample.split} {content_key(*keys)[:16]}"
    ClipIndex(clips=clips).write(context.folder.clip_index)


def put_aside(context: RunContext, samples: Sequence[Sample], failures: Unfit) -> list[Sample]:
    """Quarantine samples that cannot be encoded: take them out of the manifest, add them to the findings, print them.

    Of a sample with variants only those that cannot be encoded are left out.

    Raises:
        TunesmithError: when nothing is left to train on.
    """
    left = {sample.id: without(sample, [v for v, _ in failures if v.id == sample.id]) for sample in samples}
    unfit = {variant.id: error for variant, error in reversed(failures) if left[variant.id] is None}
    kept = [found for found in left.values() if found is not None]
    if not any(sample.split == "train" for sample in kept):
        first = next(iter(unfit.values()))
        raise TunesmithError(
            msg("none of {count} samples can be encoded; {reason}", count=len(samples), reason=first.what),
            where=first.where,
            remedy=first.remedy,
        )
    lines = [msg("  error  {said}", said=error.message) for error in unfit.values()]
    context.console.log_some(lines, partial(_more_unfit, str(context.folder.findings)), style="red")
    if unfit:
        context.console.log(
            msg(
                "{count} of {samples} samples cannot be encoded and are quarantined",
                count=len(unfit),
                samples=len(samples),
            )
        )
    if dropped := len([variant for variant, _ in failures if variant.id not in unfit]):
        context.console.log(msg("{count} further prompts cannot be encoded and are not drawn", count=dropped))
    write_manifest(context.folder.manifest, kept)
    if unfit:
        add_findings(context.folder.findings, kept, unfit)
    return kept


def _more_unfit(path: str, count: int) -> Message:
    return msg("  error  {count} more; all of them are in {path}", count=count, path=path)


def without(sample: Sample, unfit: Sequence[Sample]) -> Sample | None:
    """A sample without those of its variants that cannot be encoded; ``None`` where that is all of them."""
    kept = [variant for variant in sample.in_variants() if variant not in unfit]
    if not kept or not unfit:
        return sample if kept else None
    return replace(kept[0], variants=tuple(Variant(variant.audios, variant.texts) for variant in kept[1:]))


def add_findings(path: Path, kept: Sequence[Sample], unfit: Mapping[str, TunesmithError]) -> None:
    """Put samples that cannot be encoded into ``findings.json``, and count those that are left."""
    before = CheckFindings.read(path) if path.exists() else CheckFindings()
    findings = [
        Finding(
            check="encode",
            level="error",
            clip=name,
            message=as_message(error.what),
            remedy=as_message(error.remedy),
        )
        for name, error in unfit.items()
    ]
    update = {
        "kept": len(kept),
        "train": sum(sample.split == "train" for sample in kept),
        "valid": sum(sample.split == "valid" for sample in kept),
        "quarantined": {**before.quarantined, **{name: error.message for name, error in unfit.items()}},
        "findings": (*before.findings, *findings),
    }
    before.model_copy(update=update).write(path)


def encode_samples(
    context: RunContext,
    store: EncodedStore,
    samples: Sequence[Sample],
    unfit: Unfit | None = None,
    *,
    alone: bool = True,
) -> dict[str, int]:
    """Encode what is missing of some samples and their variants; returns of how many samples by field.

    What cannot be encoded is collected in ``unfit``; without it, it ends the stage. ``alone`` is that of
    :func:`fill_store`.
    """
    family = context.family
    work: list[Work] = []
    for sample in variants_of(samples):
        keys = {spec.name: family.encoding.field_key(sample, spec.name) for spec in family.encoding.fields()}
        missing = store.missing(keys)
        if missing:
            work.append((sample, keys, missing))
    if work:
        fill_store(context, store, work, unfit, alone=alone)
    return {
        spec.name: len({sample.id for sample, _, missing in work if spec.name in missing})
        for spec in family.encoding.fields()
    }


def variants_of(samples: Iterable[Sample]) -> Iterator[Sample]:
    """All variants of some samples, each sample as it is first."""
    return (variant for sample in samples for variant in sample.in_variants())


def fill_store(
    context: RunContext, store: EncodedStore, work: Sequence[Work], unfit: Unfit | None = None, *, alone: bool = True
) -> None:
    """Encode and store, making progress durable every few seconds and on every way out.

    Args:
        context: The run.
        store: Takes what is encoded.
        work: What is missing.
        unfit: Collects what cannot be encoded; without it, that ends the stage.
        alone: Encode in this process, whatever ``data.workers`` says.
    """
    flushed = time.monotonic()
    with (
        closing(encoded_clips(context, store, work, alone=alone)) as encoded,
        context.console.progress(msg("encode"), len(work)) as advance,
    ):
        try:
            for (sample, keys, _), outcome in encoded:
                if isinstance(outcome, dict):
                    store.put(keys, {name: a for name, a in outcome.items() if keys[name] not in store.fields[name]})
                elif unfit is None:
                    raise outcome
                else:
                    unfit.append((sample, outcome))
                if time.monotonic() - flushed > FLUSH_SECONDS:
                    store.flush()
                    flushed = time.monotonic()
                advance()
        finally:
            store.flush()


def folder_bytes(store: EncodedStore) -> int:
    """Size of the cache on disk."""
    return sum(p.stat().st_size for p in store.folder.rglob("*") if p.is_file())
