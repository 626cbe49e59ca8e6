"""What training draws of the mapped manifest is what it drew of the samples held in memory, update by update."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training_runs import make_context
from tunesmith.data.batches import WINDOW
from tunesmith.data.item_rng import ItemRng, key_of
from tunesmith.data.sample import AudioRef, Sample, read_manifest
from tunesmith.run.evaluated import evaluated_samples, training_samples
from tunesmith.training.clips import Clips
from tunesmith.training.schedule import Schedule
from tunesmith.training.setup import clips_of, open_clips


@pytest.fixture
def context(tiny, clips, tmp_path):
    """A run of many parts of a few clips, most of them longer than a crop."""
    parts = [
        Sample(
            f"{n % 7}/part {n}.wav",
            {"audio": AudioRef(clip.audios["audio"].path, 0.01 * n, duration=(clip.seconds - 0.01 * n))},
            {"caption": f"beat {n % 3}"},
            source=f"{n}",
            split="valid" if n % 9 == 0 else "train",
        )
        for n, clip in enumerate([*clips, *clips, *clips])
    ]
    return make_context(tiny, parts, tmp_path, data={"max_seconds": 1.0, "min_crop_seconds": 0.4})


def updates_by_definition(clips: Clips, per_update: int, seed: int, epoch: int) -> list[tuple[int, ...]]:
    """The updates of an epoch as lists of plain Python: shuffled, sorted inside windows, cut, shuffled."""
    crops = [clips.crop(i, ItemRng(seed, epoch, name)) for i, name in enumerate(clips.ids)]
    key = [key_of(seed, epoch, name, "order") >> 64 for name in clips.ids]
    order = sorted(range(len(key)), key=key.__getitem__)
    cut = []
    for at in range(0, len(order), WINDOW * per_update):
        window = sorted(order[at : at + WINDOW * per_update], key=lambda i: (crops[i].length, key[i]))
        cut += [tuple(window[j : j + per_update]) for j in range(0, len(window), per_update)]
    turns = np.random.Generator(np.random.Philox(key=key_of(seed, epoch, "updates"))).permutation(len(cut))
    return [cut[turn] for turn in turns]


def test_the_clips_of_a_run_are_those_of_its_lines(context):
    opened = open_clips(context)
    for clips, split in ((opened.train, "train"), (opened.valid, "valid")):
        samples = [sample for sample in read_manifest(context.folder.manifest) if sample.split == split]
        held = clips_of(context, samples)
        assert list(clips.samples) == samples and list(clips.ids) == list(held.ids)
        assert clips.frames.tolist() == held.frames.tolist() and len(set(clips.frames.tolist())) > 3
        assert {name: rows.tolist() for name, rows in clips.rows.items()} == {
            name: rows.tolist() for name, rows in held.rows.items()
        }


def test_every_update_of_every_epoch_is_the_same(context, monkeypatch):
    monkeypatch.setattr("tunesmith.data.batches.WINDOW", 3)
    monkeypatch.setattr("tests.training.test_mapped_clips.WINDOW", 3)
    mapped = open_clips(context).train
    samples = [sample for sample in read_manifest(context.folder.manifest) if sample.split == "train"]
    held = clips_of(context, samples)
    schedules = [Schedule(clips, 4, 11) for clips in (mapped, held)]
    drawn = set()
    for epoch in range(3):
        expected = updates_by_definition(held, 4, 11, epoch)
        for turn, items in enumerate(expected):
            for schedule in schedules:
                found, crops, rngs, lengths = schedule.items(epoch * schedule.per_epoch + turn)
                assert found == items and all(type(i) is int for i in found)
                for i in items:
                    assert rngs[i] == ItemRng(11, epoch, samples[i].id)
                    assert crops[i] == held.crop(i, ItemRng(11, epoch, samples[i].id))
                    assert lengths[i] == crops[i].length
                    drawn.add(crops[i].start)
    assert len(drawn) > 5, "crops were drawn"


def test_clips_whose_audio_is_gone_are_not_measured(context, tmp_path):
    whole = list(read_manifest(context.folder.manifest))
    assert list(evaluated_samples(context.folder)) == whole
    lost = whole[4].audios["audio"].path
    kept = context.folder.path / "elsewhere.wav"
    moved = context.folder.manifest.read_text("utf-8")
    (context.folder.trained_on).mkdir()
    (context.folder.trained_on / "manifest.jsonl").write_text(moved.replace(lost, str(kept)), "utf-8")
    left = list(evaluated_samples(context.folder))
    assert [sample.id for sample in left] == [sample.id for sample in whole], (
        "each is where the present manifest has it"
    )
    context.folder.manifest.write_text(moved.replace(lost, str(kept)), "utf-8")
    left = [sample for sample in whole if sample.audios["audio"].path != lost]
    assert [sample.id for sample in evaluated_samples(context.folder)] == [sample.id for sample in left]
    assert list(training_samples(context.folder)) == [sample for sample in left if sample.split == "train"]
