"""The split: by track, never straddled, from within tracks where they are few, and honest where it cannot be."""

from __future__ import annotations

from collections import Counter

import pytest

from tunesmith.data.sample import AudioRef, Sample
from tunesmith.data.split import split
from tunesmith.errors import TunesmithError


def sample(name: str, source: str = "", seconds: float = 20.0, given: str | None = None) -> Sample:
    return Sample(name, {"audio": AudioRef(f"/data/{name}", duration=seconds)}, source=source or name, split=given)


def held(result) -> set[str]:
    return {s.id for s in result.samples if s.split == "valid"}


@pytest.mark.parametrize(("count", "expected"), [(6, 2), (20, 2), (50, 5), (200, 20)])
def test_a_tenth_and_at_least_two_clips(count, expected):
    result = split([sample(f"{n}.wav") for n in range(count)])
    assert result.kind == "by_source"
    assert len(held(result)) == expected
    assert all(s.split in ("train", "valid") for s in result.samples)
    assert f"{expected} of {count}" in str(result.notes[0])


def test_it_is_the_same_again_and_other_with_another_seed():
    samples = [sample(f"{n}.wav") for n in range(60)]
    assert held(split(samples)) == held(split(samples[::-1]))
    assert held(split(samples)) != held(split(samples, seed=1))


def test_tracks_are_never_parted():
    samples = [sample(f"{track}-{n}.wav", track) for track in map(str, range(12)) for n in range(3)]
    result = split(samples)
    sides = {s.source: {t.split for t in result.samples if t.source == s.source} for s in samples}
    assert all(len(side) == 1 for side in sides.values())
    assert 3 <= len(held(result)) <= 6


def test_clips_that_sound_alike_are_never_parted():
    samples = [sample(f"{n}.wav") for n in range(30)]
    pairs = [(f"{n}.wav", f"{n + 1}.wav") for n in range(0, 29, 3)] + [("1.wav", "2.wav"), ("gone.wav", "3.wav")]
    for seed in range(20):
        out = held(split(samples, similar=pairs, seed=seed))
        assert out
        assert all((a in out) == (b in out) for a, b in pairs if a != "gone.wav")


def test_large_tracks_still_leave_something_held_out():
    samples = [sample(f"{track}-{n}.wav", track) for track in map(str, range(6)) for n in range(10)]
    result = split(samples)
    assert Counter(s.split for s in result.samples) == {"train": 50, "valid": 10}


def test_the_users_split_is_kept():
    samples = [sample("a", given="train"), sample("b", given="valid"), sample("c")]
    result = split(samples)
    assert result.kind == "given"
    assert [s.split for s in result.samples] == ["train", "valid", "train"]


def test_a_split_that_leaves_nothing_to_train_on_is_refused():
    with pytest.raises(TunesmithError, match="all 2 clips are held out"):
        split([sample("a", given="valid"), sample("b", given="valid")])


def test_few_long_tracks_are_cut_at_their_ends_with_a_gap():
    samples = [sample("long.wav", seconds=200.0), sample("mid.wav", seconds=100.0), sample("short.wav", seconds=8.0)]
    result = split(samples)
    assert result.kind == "within_track"
    train = {s.source: s.audios["audio"] for s in result.samples if s.split == "train"}
    valid = {s.source: s.audios["audio"] for s in result.samples if s.split == "valid"}
    assert set(train) == {"long.wav", "mid.wav", "short.wav"} and set(valid) == {"long.wav", "mid.wav"}
    assert (valid["long.wav"].start, valid["long.wav"].end) == (180.0, 200.0)
    assert (train["long.wav"].start, train["long.wav"].end) == (0.0, 178.0)
    assert all(valid[name].start - train[name].end == pytest.approx(2.0) for name in valid)
    assert all(ref.duration == pytest.approx(ref.end - ref.start) for ref in valid.values())
    assert len({s.id for s in result.samples}) == len(result.samples)
    assert train["short.wav"].end is None


def test_cuts_of_one_track_give_their_last_one_in_natural_order():
    samples = [sample(f"mix_chunk{n}.wav", "mix") for n in (1, 10, 2)]
    result = split(samples, min_valid=1)
    assert held(result) == {"mix_chunk10.wav"}
    before = next(s for s in result.samples if s.id == "mix_chunk2.wav")
    assert before.audios["audio"].end == 18.0


@pytest.mark.parametrize(
    ("samples", "pairs"),
    [
        ([sample("a", seconds=8.0), sample("b", seconds=9.0)], []),
        ([sample("a", seconds=200.0), sample("b", seconds=200.0)], [("a", "b")]),
        ([sample("a", seconds=0.0)], []),
    ],
)
def test_where_nothing_can_be_held_out_it_says_so(samples, pairs):
    result = split(samples, similar=pairs)
    assert result.kind == "none" and not held(result)
    assert "No held-out part" in str(result.notes[0]) and "没有验证集" in result.notes[0].render("zh")


def test_none_is_held_out_on_request_and_of_nothing():
    asked = split([sample(str(n)) for n in range(20)], valid_share=0.0)
    assert asked.kind == "none" and str(asked.notes[0]) == "Nothing is held out, as asked."
    empty = split([])
    assert empty.samples == [] and str(empty.notes[0]) == "Nothing can be held out: there is no usable clip."


def test_clips_that_belong_to_their_texts_are_not_cut():
    long = [sample(str(n), seconds=200.0) for n in range(3)]
    result = split(long, cut=False)
    assert result.kind == "none" and [s.id for s in result.samples] == ["0", "1", "2"]
    assert "3 clips or groups of clips are too few to spare one" in str(result.notes[0])
    assert result.notes[0].render("zh") != str(result.notes[0])
    assert split([sample(str(n), seconds=200.0) for n in range(6)], cut=False).kind == "by_source"
