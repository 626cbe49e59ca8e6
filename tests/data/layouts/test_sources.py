"""Tracks are told from names, and a numbered series is not one track."""

from __future__ import annotations

import pytest

from tunesmith.data.layouts.sources import group_sources


@pytest.mark.parametrize(
    ("names", "sources"),
    [
        (["beat-1.wav", "beat-2.wav", "other.wav"], {"beat", "other"}),
        (["night-01a.wav", "night-01b.wav", "night-02a.wav", "night-03a.wav"], {"night-01", "night-02a", "night-03a"}),
        (["x part 1.mp3", "x part 2.mp3", "y part 1.mp3"], {"x", "y part 1"}),
        (["a/beat-1.wav", "b/beat-2.wav"], {"a/beat-1", "b/beat-2"}),
        (["beat.wav", "beat.mp3"], {"beat"}),
        (["1.wav", "2.wav"], {"1", "2"}),
        (["drums-a.wav", "drums-b.wav", "bass-a.wav"], {"drums", "bass-a"}),
    ],
)
def test_cut_markers(names, sources):
    assert set(group_sources(names).values()) == sources


@pytest.mark.parametrize("pattern", ["audio{}.wav", "beat_{}.wav", "clip_{:03d}.wav", "track {}.wav", "train/a-{}.wav"])
@pytest.mark.parametrize("count", [6, 50])
def test_a_series_is_many_tracks(pattern, count):
    names = [pattern.format(n) for n in range(1, count + 1)]
    assert len(set(group_sources(names).values())) == count


def test_the_word_chunk_groups_any_number():
    names = [f"mix_chunk{n:03d}.wav" for n in range(60)] + ["song.wav"]
    assert set(group_sources(names).values()) == {"mix", "song"}


def test_few_cuts_among_many_clips_are_grouped():
    names = [f"{song}-{n}.wav" for song in ("rain", "sun", "wind", "snow", "fog") for n in (1, 2, 3)]
    assert set(group_sources(names).values()) == {"rain", "sun", "wind", "snow", "fog"}
