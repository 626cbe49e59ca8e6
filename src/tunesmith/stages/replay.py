"""The replay set of a run in its check stage: read, checked with the user's own clips, and split by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tunesmith.data.augmented import Augmented
from tunesmith.data.checks import CheckReport
from tunesmith.data.layouts import Dataset, layout_named, read_layout, refuse_speech
from tunesmith.data.replay import MOST, Mix, is_replay, marked, mix_of, of_replay
from tunesmith.data.replay_split import split_replay
from tunesmith.data.sample import Sample, edit_type
from tunesmith.records.findings import ReplayCounts
from tunesmith.run.context import RunContext
from tunesmith.texts import Message, msg


def read_replay(context: RunContext, user_data: Dataset) -> Dataset | None:
    """The run's replay set with its samples marked; ``None`` where the recipe names none.

    Raises:
        TunesmithError: when it cannot be read, or the family has no use for it.
    """
    if not context.recipe.data.replay:
        return None
    path = Path(context.recipe.data.replay)
    found = for_family(context, read_layout(path), path)
    context.family.checks.validate_samples(found.samples)
    return marked(found, {sample.id for sample in user_data.samples})


def for_family(context: RunContext, layout: Dataset, folder: Path) -> Dataset:
    """A layout as the run's family reads it.

    Spoken clips whose names differ by a number alone are sentences, not cuts of a track: each is its own source.

    Raises:
        TunesmithError: for speech pairs where nothing learns to speak.
    """
    if not context.family.is_speech:
        refuse_speech(layout.name, folder)
    elif not layout_named(layout.name).own_sources:
        return replace(layout, samples=[replace(sample, source=sample.id) for sample in layout.samples])
    return layout


def join(user_data: Dataset, replay: Dataset | None) -> Dataset:
    """Both sets as one, to be checked together: a clip of both is found, and the replay set's is left out.

    The replay set's own split waits until then, since its clips are held out of something else.
    """
    if replay is None:
        return user_data
    samples = [*user_data.samples, *(replace(sample, split=None) for sample in replay.samples)]
    problems, notes = [*user_data.problems, *replay.problems], [*user_data.notes, *replay.notes]
    return Dataset(samples, problems, user_data.name, notes)


def divide(context: RunContext, replay: Dataset, checked: CheckReport, user_samples: Sequence[Sample]) -> Augmented:
    """The user's finished samples and, after them, what is left of the replay set: split, and completed by itself."""
    recipe, splits = context.recipe, {sample.id: sample.split for sample in replay.samples}
    kept = [replace(sample, split=splits[sample.id]) for sample in checked.kept if is_replay(sample)]
    seed = recipe.train.seed
    divided = split_replay(kept, user_samples, checked.similar, valid_share=recipe.data.valid_share, seed=seed)
    warned = {finding.clip for finding in checked.findings if finding.level == "warn"}
    augmented = context.family.checks.add_prompts(divided.samples, seed, warned)
    return Augmented(
        [*user_samples, *augmented.samples],
        [*divided.findings, *augmented.findings],
        [*divided.notes, *of_replay(augmented.notes)],
    )


def replay_counts(context: RunContext, layout: Dataset, samples: Sequence[Sample]) -> ReplayCounts:
    """What ``findings.json`` says of the replay set: its clips by part and edit type, and how many an epoch draws."""
    replay = [sample for sample in samples if is_replay(sample)]
    counts = Counter((sample.split, edit_type(sample.attributes)) for sample in replay)
    mix = mix_of([s for s in samples if s.split == "train"], context.recipe.data.replay_share)
    return ReplayCounts(
        folder=context.recipe.data.replay,
        layout=layout.name,
        kept=len(replay),
        train=sum(number for (split, _), number in counts.items() if split == "train"),
        valid=sum(number for (split, _), number in counts.items() if split == "valid"),
        seconds=round(sum(sample.seconds for sample in replay), 1),
        kinds={
            kind: {"train": counts["train", kind], "valid": counts["valid", kind]}
            for kind in sorted({kind for _, kind in counts})
        },
        share=round(mix.share, 4) if mix else 0.0,
        per_epoch=mix.drawn if mix else 0,
    )


def replay_line(counts: ReplayCounts) -> Message:
    """The replay set in a sentence."""
    kinds = tuple(f"{kind} {sum(sides.values())}" for kind, sides in counts.kinds.items())
    clips = msg("{count} clips ({kinds})", count=counts.kept, kinds=kinds)
    return msg(
        "replay: {clips}, {train} train, {valid} held out; {drawn} are drawn for every pass, {share:.0%} of it",
        clips=clips if len(kinds) > 1 else msg("{count} clips", count=counts.kept),
        train=counts.train,
        valid=counts.valid,
        drawn=counts.per_epoch,
        share=counts.share,
    )


def short_note(mix: Mix | None) -> list[Message]:
    """A note where the replay set is too small for its share."""
    if mix is None or mix.drawn == mix.asked:
        return []
    return [
        msg(
            "{count} replay clips, drawn at most {most} times per pass, make up {share:.0%} of it and not "
            "{wanted:.0%}. Add replay clips, or lower data.replay_share.",
            count=len(mix.replay),
            most=MOST,
            share=mix.share,
            wanted=mix.wanted,
        )
    ]
