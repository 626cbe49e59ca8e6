"""The mapped form of a manifest: the samples of its lines, made anew where they change, never trusted when stale."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tunesmith.data import mapped_manifest
from tunesmith.data.batches import EpochDraws, plan_epoch
from tunesmith.data.mapped_manifest import map_manifest, own_samples, replay_samples, samples_on
from tunesmith.data.replay import REPLAY, mix_of
from tunesmith.data.sample import PROMPT, AudioRef, Sample, Variant, read_manifest, write_manifest
from tunesmith.data.samples import ids_of, in_order
from tunesmith.errors import TunesmithError


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped_manifest, "ROWS", 7)


def samples(count: int = 40) -> list[Sample]:
    found = []
    for i in range(count):
        ref = AudioRef(f"/clips/{i}.wav", start=float(i % 3), end=9.5 if i % 2 else None, duration=1.5 + i)
        variants = (Variant({PROMPT: AudioRef("/voice.wav")}, {"prompt_text": "ja"}),) if i % 5 == 0 else ()
        found.append(
            Sample(
                f"früh {i * 37 % count}.wav",
                {"audio": ref},
                {"caption": f"節拍 {i}", "lyrics": "a\nb"},
                {"bpm": 90 + i, **({REPLAY: True} if i % 4 == 3 else {})},
                source=f"track {i // 2}",
                split="valid" if i % 10 == 0 else "train",
                repeats=1 + i % 2,
                variants=variants,
            )
        )
    return found


def test_it_gives_the_samples_of_the_lines_and_what_the_columns_say(tmp_path):
    path, made = tmp_path / "manifest.jsonl", samples()
    write_manifest(path, made)
    mapped = map_manifest(path)
    assert list(mapped) == made == list(read_manifest(path)) and len(mapped) == 40
    assert mapped[3] == made[3] and mapped[-1] == made[-1] and list(mapped[5:30:3]) == made[5:30:3]
    assert list(mapped.ids) == [s.id for s in made] and mapped.ids[-2] == made[-2].id
    assert mapped.seconds.tolist() == [s.seconds for s in made]
    with pytest.raises(IndexError):
        mapped[40]
    for split in ("train", "valid"):
        assert list(samples_on(mapped, split)) == list(samples_on(made, split)) != []
    training = samples_on(mapped, "train")
    assert list(own_samples(training)) == list(own_samples(list(training))) != []
    assert list(replay_samples(training)) == list(replay_samples(list(training))) != []
    assert in_order(training.ids).tolist() == list(in_order([s.id for s in training]))


def test_it_is_made_again_where_the_manifest_changes_or_it_is_damaged(tmp_path):
    path, made = tmp_path / "manifest.jsonl", samples()
    beside = tmp_path / "manifest.arrow"
    write_manifest(path, made)
    before = map_manifest(path)
    written = beside.stat().st_mtime_ns
    assert list(map_manifest(path)) == made and beside.stat().st_mtime_ns == written, "it is made once"
    changed = [replace(made[0], texts={"caption": "another one"}), *made[2:]]
    write_manifest(path, changed)
    assert list(map_manifest(path)) == changed
    assert list(before) == made, "what is mapped stays as it was"
    whole = beside.read_bytes()
    flipped = [whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :] for at in range(0, len(whole), 211)]
    for damage in (b"", whole[:-40], b"no arrow file", bytes(len(whole)), *flipped):
        beside.write_bytes(damage)
        assert list(map_manifest(path)) == changed
    beside.unlink()
    assert list(map_manifest(path)) == changed


def test_names_that_are_no_utf8_and_an_empty_manifest(tmp_path):
    path = tmp_path / "manifest.jsonl"
    write_manifest(path, [])
    assert (
        list(map_manifest(path)) == [] and list(map_manifest(path).ids) == [] and len(map_manifest(path).seconds) == 0
    )
    odd = [Sample("b\udce9.wav", {"audio": AudioRef("/b\udce9.wav")}), Sample("a.wav", {"audio": AudioRef("/a.wav")})]
    write_manifest(path, odd)
    mapped = map_manifest(path)
    assert list(mapped) == odd and mapped.ids[0] == "b\udce9.wav" and in_order(mapped.ids).tolist() == [1, 0]


def test_a_line_that_is_no_sample_is_named_and_leaves_nothing(tmp_path):
    path = tmp_path / "manifest.jsonl"
    write_manifest(path, samples(9))
    with path.open("a", encoding="utf-8") as file:
        file.write('{"id": 3}\n')
    with pytest.raises(TunesmithError) as caught:
        map_manifest(path)
    assert f"{path}:10" in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["manifest.jsonl"]


def test_a_folder_that_cannot_be_written_to_is_read_all_the_same(tmp_path, monkeypatch):
    path, made = tmp_path / "manifest.jsonl", samples()
    write_manifest(path, made)
    real = os.access
    monkeypatch.setattr(os, "access", lambda p, mode: Path(p) != tmp_path and real(p, mode))
    assert list(map_manifest(path)) == made
    assert [p.name for p in tmp_path.iterdir()] == ["manifest.jsonl"]


def test_mixes_and_plans_are_those_of_the_samples_themselves(tmp_path):
    path = tmp_path / "manifest.jsonl"
    write_manifest(path, samples(200))
    mapped = samples_on(map_manifest(path), "train")
    held = list(mapped)
    mixes = [mix_of(each, 0.6) for each in (mapped, held)]
    assert mixes[0] == mixes[1] and mixes[0] is not None and mixes[0].drawn > len(mixes[0].replay)
    entries = [mixes[0].entries(each) for each in (mapped, held)]
    ids = [list(ids_of(each)) for each in entries]
    assert list(entries[0]) == list(entries[1]) and ids[0] == ids[1] == [s.id for s in entries[0]]
    assert (
        entries[0].is_replay.tolist()
        == entries[1].is_replay.tolist()
        == [s.attributes.get(REPLAY) is True for s in entries[0]]
    )
    assert len(set(ids[0])) == len(ids[0]) > len(held), "each time has an id of its own"
    lengths = np.arange(len(ids[0])) % 13
    for epoch in (0, 3):
        drawn = mixes[0].of_epoch(5, epoch)
        chosen = [i for i, name in enumerate(ids[0]) if not entries[0].is_replay[i] or name in drawn]
        of_each = [
            plan_epoch(names, lengths, per_update=4, seed=5, epoch=epoch, chosen=chosen)
            for names in (entries[0].ids, ids[1])
        ]
        assert of_each[0].updates == of_each[1].updates
        assert sorted(i for update in of_each[0].updates for i in update) == chosen
        draws = EpochDraws(5, epoch, entries[0].ids)
        assert [draws[i] for i in (0, -1)] == [EpochDraws(5, epoch, ids[1])[i] for i in (0, -1)]


def test_no_pandas_for_a_column(tmp_path: Path):
    manifest = tmp_path / "manifest.jsonl"
    write_manifest(manifest, samples(20))
    program = (
        "import sys; from pathlib import Path; from tunesmith.data.mapped_manifest import map_manifest;"
        "found = map_manifest(Path(sys.argv[1])); found.seconds.sum(); found.is_in('train').any(); found.ids.order();"
        "sys.exit(2 if 'pandas' in sys.modules else 0)"
    )
    assert subprocess.run([sys.executable, "-c", program, str(manifest)], check=False).returncode == 0
