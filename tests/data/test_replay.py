"""Replay clips: apart from the user's own, and drawn to their share of every epoch."""

from __future__ import annotations

from collections import Counter

import pytest

from tunesmith.data.layouts.dataset import Dataset
from tunesmith.data.replay import MOST, Mix, is_replay, marked, mix_of
from tunesmith.data.sample import AudioRef, Sample
from tunesmith.records.findings import Finding
from tunesmith.texts import Message


def sample(name: str, **attributes) -> Sample:
    return Sample(name, {"audio": AudioRef(f"/clips/{name}", duration=2.0)}, source=name, attributes=attributes)


def mix(own: int, replay: int, share: float) -> Mix:
    return Mix(own, tuple(f"replay/{n:03d}" for n in range(replay)), share)


def times(drawn: frozenset[str]) -> Counter[str]:
    """How often each clip is drawn."""
    return Counter(name.split("#")[0] for name in drawn)


def test_ids_and_sources_never_meet_those_of_the_users_own():
    problem = Finding(check="layout", level="error", clip="list.jsonl:3", message=Message.fixed("broken"))
    whole = Finding(check="layout", level="warn", clip="*", message=Message.fixed("all of it"))
    layout = Dataset([sample("a.wav", edit_type="vad")], [problem, whole], "folder", [Message.fixed("One.", "一。")])
    made = marked(layout, ["a.wav"])
    (one,) = made.samples
    assert (one.id, one.source) == ("replay/a.wav", "replay/a.wav") and is_replay(one)
    assert one.attributes["edit_type"] == "vad" and one.audios == layout.samples[0].audios
    assert [problem.clip for problem in made.problems] == ["replay/list.jsonl:3", "*"]
    assert [(str(note), note.render("zh")) for note in made.notes] == [("Replay: One.", "回放数据：一。")]
    assert not is_replay(layout.samples[0])
    again = marked(layout, ["replay/a.wav", "replay-2/b.wav"])
    assert again.samples[0].id == "replay-3/a.wav"


@pytest.mark.parametrize(
    ("own", "share", "drawn"), [(36, 0.2, 9), (30, 0.25, 10), (7, 0.5, 7), (3, 0.05, 1), (9, 0, 0)]
)
def test_the_share_is_of_what_one_epoch_trains_on(own, share, drawn):
    one = mix(own, 100, share)
    assert one.drawn == drawn and one.per_epoch == own + drawn
    assert abs(one.share - share) < 0.5 / one.per_epoch or drawn == 1
    assert len(one.of_epoch(1, 0)) == drawn


def test_an_epochs_draw_depends_on_seed_and_epoch_alone_and_epochs_share_the_set():
    one = mix(40, 33, 0.2)
    rngs = [one.of_epoch(7, epoch) for epoch in range(6)]
    assert rngs == [mix(40, 33, 0.2).of_epoch(7, epoch) for epoch in range(6)]
    assert all(len(draw) == 10 for draw in rngs) and rngs[0] != one.of_epoch(8, 0)
    for begin in (0, 3):  # three epochs of ten out of 33 have no clip twice
        assert len(frozenset.union(*rngs[begin : begin + 3])) == 30
    assert rngs[0] != rngs[3], "the pack is shuffled anew"
    assert len(frozenset.union(*(one.of_epoch(7, epoch) for epoch in range(30)))) == 33


def test_too_few_clips_are_drawn_several_times_but_not_without_limit():
    one = mix(20, 4, 0.3)  # 9 of 4 clips: each twice, one a third time
    counts = [times(one.of_epoch(1, epoch)) for epoch in range(8)]
    assert all(sorted(count.values()) == [2, 2, 2, 3] for count in counts)
    assert {name for count in counts[:4] for name in count if count[name] == 3} == set(one.replay)
    capped = mix(100, 4, 0.3)
    assert capped.asked == 43 and capped.drawn == 4 * MOST
    assert set(times(capped.of_epoch(1, 0)).values()) == {MOST}
    assert capped.share == pytest.approx(16 / 116)


def test_entries_hold_every_clip_as_often_as_an_epoch_may_draw_it():
    own = [sample("a"), sample("b"), sample("c"), sample("d")]
    replay = [sample("replay/x", replay=True), sample("replay/y", replay=True)]
    one = mix_of([*replay, *own], 0.43)  # 3 of 7
    assert one is not None and (one.user_clips, one.replay, one.drawn) == (4, ("replay/x", "replay/y"), 3)
    entries = one.entries([*own, *replay])
    assert [e.id for e in entries] == ["a", "b", "c", "d", "replay/x", "replay/x#2", "replay/y", "replay/y#2"]
    assert entries[5].audios == entries[4].audios
    assert all(one.of_epoch(3, epoch) < {e.id for e in entries[4:]} for epoch in range(5))


def test_nothing_is_mixed_where_one_side_is_missing_and_a_share_of_0_trains_on_none():
    own, replay = [sample("a")], [sample("replay/x", replay=True)]
    assert mix_of(own, 0.2) is None and mix_of(replay, 0.2) is None
    idle = mix_of([*own, *replay], 0.0)
    assert idle is not None and list(idle.entries([*own, *replay])) == own and idle.of_epoch(1, 0) == frozenset()
