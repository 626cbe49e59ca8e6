"""Which replay clips are held out: some of each edit type, and none whose sound stands on the user's other side."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tunesmith.data.augmented import Augmented
from tunesmith.data.item_rng import key_of
from tunesmith.data.sample import Sample, Split, edit_type
from tunesmith.data.split import linked
from tunesmith.records.findings import Finding
from tunesmith.texts import Message, all_of, msg

Unit = list[str]
"""Ids of samples that stay on one side."""


def split_replay(
    samples: Sequence[Sample],
    user_samples: Sequence[Sample],
    similar: Iterable[tuple[str, str]],
    *,
    valid_share: float,
    seed: int,
) -> Augmented:
    """Assign replay samples to train or valid.

    Clips of one source or that sound alike stay together; those that are or sound like one of the user's stand on that
    clip's side, so that neither held-out loss is that of sound which is trained on. Of the others a share of every
    edit type is held out, at least one sample where there are two that can be parted; a split of the set's own is kept.

    Args:
        samples: The replay set's kept samples, marked.
        user_samples: The user's samples, with their split.
        similar: Pairs of ids, of either set, that sound alike.
        valid_share: Share of each edit type to hold out (0..1); 0 holds none out.
        seed: Which are held out.
    """
    pairs = list(similar)
    sides = _sides(samples, user_samples, pairs)
    held: set[str] = set()
    on_both_sides: dict[str, Message] = {}
    free: list[Unit] = []
    for unit in linked(samples, pairs):
        user_clips = {side: clip for name in unit for side, clip in sides[name].items()}
        if len(user_clips) == 2:
            on_both_sides |= dict.fromkeys(unit, all_of((user_clips["train"], user_clips["valid"])))
        elif "valid" in user_clips:
            held.update(unit)
        elif not user_clips:
            free.append(unit)
    kept = [sample for sample in samples if sample.id not in on_both_sides]
    given = {sample.id for sample in kept if sample.split == "valid"}
    if given:
        held |= {name for unit in free if given.issuperset(unit) for name in unit}
    elif valid_share > 0:
        held |= _held_out(free, {s.id: edit_type(s.attributes) for s in kept}, held, valid_share, seed)
    parted = [sample.with_split("valid" if sample.id in held else "train") for sample in kept]
    return Augmented(parted, [_between(name, clips) for name, clips in on_both_sides.items()], list(_notes(parted)))


def _sides(
    samples: Sequence[Sample], user_samples: Sequence[Sample], pairs: Sequence[tuple[str, str]]
) -> Mapping[str, dict[Split, str]]:
    """By replay id: on which sides the user has that sound, each with the id of the clip that holds it."""
    of_file: dict[str, dict[Split, str]] = defaultdict(dict)
    for sample in user_samples:
        for ref in sample.targets.values():
            of_file[ref.path][sample.split or "train"] = sample.id
    files = {sample.id: [ref.path for ref in sample.targets.values()] for sample in (*user_samples, *samples)}
    replay = {sample.id for sample in samples}
    sides: dict[str, dict[Split, str]] = defaultdict(dict)
    for sample in samples:
        for path in files[sample.id]:
            sides[sample.id] |= of_file.get(path, {})
    for pair in pairs:
        for clip, other in (pair, pair[::-1]):
            if clip in replay and other not in replay:
                for path in files.get(other, ()):
                    sides[clip] |= of_file[path]
    return sides


def _held_out(units: Sequence[Unit], kinds: Mapping[str, str], held: set[str], share: float, seed: int) -> set[str]:
    """Units to hold out, small ones first, in an order drawn from the seed, until every kind has its share."""
    whole, out = Counter(kinds.values()), Counter(kinds[name] for name in held)
    chosen: set[str] = set()
    for unit in sorted(units, key=lambda unit: (len(unit), key_of(seed, "replay split", *sorted(unit)))):
        inside = Counter(kinds[name] for name in unit)
        wanted = any(out[kind] < max(1, round(share * whole[kind])) for kind in inside)
        if wanted and all(out[kind] + number < whole[kind] for kind, number in inside.items()):
            chosen.update(unit)
            out += inside
    return chosen


def _between(name: str, clips: Message) -> Finding:
    return Finding(
        check="replay",
        level="error",
        clip=name,
        message=msg("its sound is among your own clips on both sides, trained on and held out ({clips})", clips=clips),
        remedy=msg("Nothing is lost: your own clips hold it."),
    )


def _notes(samples: Sequence[Sample]) -> Iterator[Message]:
    counts = {side: Counter(edit_type(s.attributes) for s in samples if s.split == side) for side in ("train", "valid")}
    unmeasured = sorted(counts["train"].keys() - counts["valid"].keys())
    if not unmeasured or not counts["valid"]:
        return
    yield msg(
        "No replay clip of {kinds} can be held out, so its held-out loss says nothing of what is lost there.",
        kinds=tuple(unmeasured),
    )
