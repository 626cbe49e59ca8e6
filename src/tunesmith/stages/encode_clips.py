"""Clip by clip through the frozen encoders: in this process, or in workers of which each has loaded them once."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from tunesmith.audio.problems import UnreadableAudioError
from tunesmith.data.cache import EncodedStore
from tunesmith.data.sample import Sample
from tunesmith.data.workers import TRIES, WorkerDied, WorkersWanted, open_pool, worker_count
from tunesmith.errors import UnfitSampleError
from tunesmith.families.contract import Encoder
from tunesmith.run.context import RunContext
from tunesmith.texts import msg

Work = tuple[Sample, dict[str, str], list[str]]
"""A sample or a variant of it, its keys by field, and the fields that are missing."""
Outcome = dict[str, np.ndarray] | UnfitSampleError | UnreadableAudioError
"""What was encoded by field, or why it cannot be."""


@dataclass(frozen=True)
class EncodingTask:
    """What a worker opens: the encoders of a base model."""

    path: str
    family: str | None
    options: Mapping[str, Any]
    revision: str | None
    device: str = "cpu"

    @contextmanager
    def __call__(self) -> Iterator[Callable[[list[Work]], list[Outcome]]]:
        """Load them."""
        from tunesmith.families.registry import make_family

        family = make_family(self.path, self.family, self.options, self.revision)
        with family.encoding.encoder(self.device) as encoder:
            yield lambda variants: encode_variants(encoder, variants)


def encoded_clips(
    context: RunContext, store: EncodedStore, work: Sequence[Work], *, alone: bool
) -> Generator[tuple[Work, Outcome]]:
    """Everything of ``work`` in its order, encoded as far as the store lacks it when its turn comes."""
    if context.elsewhere is None:
        yield from _encoded_here(context, store, work, alone=alone)
        return
    done = [context.elsewhere.outcome(*one) is not None for one in work]
    left = [one for one, is_done in zip(work, done, strict=True) if not is_done]
    with closing(_encoded_here(context, store, left, alone=alone)) as here:
        for one, is_done in zip(work, done, strict=True):
            fields = fields_left(store, one)
            yield one, context.elsewhere.outcome(one[0], one[1], fields) if is_done else next(here)[1]


def _encoded_here(
    context: RunContext, store: EncodedStore, work: Sequence[Work], *, alone: bool
) -> Generator[tuple[Work, Outcome]]:
    if context.cluster is not None and not alone:
        cluster, device = context.cluster.for_device(context.recipe.model.device)
        if work:
            yield from _in_workers(context, store, work, cluster, workers_for(context, work, cluster), device)
        return
    from tunesmith.run.device import pick_device

    device, wanted = pick_device(context.recipe.model.device), context.recipe.data.workers
    present = context.family.encoding.present is not None  # loaded already
    count = 1 if alone or present or device != "cpu" else workers_for(context, work, wanted)
    if count > 1:
        yield from _in_workers(context, store, work, wanted, count, device)
        return
    with context.family.encoding.kept(device) as encoder:
        for one in work:
            yield one, encode_clip(encoder, one[0], fields_left(store, one))


def workers_for(context: RunContext, work: Sequence[Work], wanted: WorkersWanted) -> int:
    """How many workers encode; 1 stands for none beside this process."""
    from tunesmith.planning.times import encoding_workers
    from tunesmith.pocket.shipped import is_pocket_model
    from tunesmith.run.base_card import base_model

    clips = len({sample.id for sample, _, _ in work})  # the variants of a sample go to one worker
    card = base_model(context).card
    if card is None:
        return 1 if wanted == "auto" else worker_count(wanted, clips, 0.0, 0.0, 0.0)
    lengths = [sample.seconds for sample, _, _ in work]
    pocket = is_pocket_model(context.recipe.model.path)
    return encoding_workers(wanted, card, clips, sum(lengths), max(lengths), pocket=pocket)


def _in_workers(
    context: RunContext, store: EncodedStore, work: Sequence[Work], wanted: WorkersWanted, count: int, device: str
) -> Generator[tuple[Work, Outcome]]:
    model = context.recipe.model
    task = EncodingTask(model.path, model.family, dict(context.recipe.options), model.revision, device)
    with open_pool(wanted, task, count) as pool, closing(pool.run(jobs_of(store, work))) as results:
        for variants, outcomes in results:
            if isinstance(outcomes, WorkerDied):
                yield from ((one, died(one[0], outcomes)) for one in variants)
            else:
                yield from zip(variants, outcomes, strict=True)


def jobs_of(store: EncodedStore, work: Iterable[Work]) -> Iterator[list[Work]]:
    """The variants of a sample together, as they share most of their content.

    What another sample is being encoded with at this moment is encoded twice rather than waited for: were that one to
    fail, it would be missing here.
    """
    for _, variants in groupby(work, key=lambda one: one[0].id):
        yield [(one[0], one[1], fields_left(store, one)) for one in variants]


def fields_left(store: EncodedStore, work: Work) -> list[str]:
    """The fields that are still missing: another sample of the same content may have been encoded since."""
    _, keys, missing = work
    return [name for name in missing if keys[name] not in store.fields[name]]


def encode_variants(encoder: Encoder, variants: Sequence[Work]) -> list[Outcome]:
    """A sample and its variants, one after the other; what they share is encoded with the first."""
    known: set[tuple[str, str]] = set()
    outcomes: list[Outcome] = []
    for sample, keys, missing in variants:
        outcome = encode_clip(encoder, sample, [name for name in missing if (name, keys[name]) not in known])
        known |= {(name, keys[name]) for name in outcome} if isinstance(outcome, dict) else set()
        outcomes.append(outcome)
    return outcomes


def encode_clip(encoder: Encoder, sample: Sample, fields: Sequence[str]) -> Outcome:
    """Encode fields of one sample, if there are any."""
    try:
        return encoder.encode(sample, fields) if fields else {}
    except (UnfitSampleError, UnreadableAudioError) as error:
        return error


def died(sample: Sample, worker: WorkerDied) -> UnfitSampleError:
    """What is said of a clip that no worker has survived."""
    what = msg(
        "the process that encoded it was ended from outside or crashed, {tries} times (exit code {code})",
        tries=TRIES,
        code=worker.code,
    )
    remedy = msg("See with data.workers=1 what happens; often there is too little memory, and shorter clips need less.")
    return UnfitSampleError(what, where=sample.id, remedy=remedy)
