"""Votes that come back: several people are joined; edited, repeated and foreign ones are noticed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.evaluation.listening.votes import key, signed, votes
from tunesmith.errors import TunesmithError
from tunesmith.evaluation.listening.result import listening_result
from tunesmith.evaluation.listening.returned import joined_votes
from tunesmith.records.listening_votes import ListeningVotes
from tunesmith.run.folder import RunFolder

KEY = key()


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run folder with the key of a page."""
    folder = RunFolder(tmp_path / "a")
    KEY.write(folder.listening_key)
    return folder


def saved(tmp_path: Path, name: str, made: ListeningVotes) -> Path:
    made.write(tmp_path / name)
    return tmp_path / name


def edited(path: Path, **changes: object) -> Path:
    record = json.loads(path.read_text())
    record["votes"][0].update(changes)
    path.write_text(json.dumps(record))
    return path


def test_votes_of_several_people_are_joined(run: RunFolder, tmp_path: Path) -> None:
    files = [saved(tmp_path, f"{who}.json", votes(KEY, [1, 2, 1, 1, 2, 1, 1, 1], who)) for who in ("ann", "berta")]
    result = listening_result(joined_votes(run, files))
    (pair,) = result.pairs
    assert (pair.first, pair.second, pair.verdict) == ("adapter", "base", "first")
    assert (pair.wins, pair.losses, pair.ties, pair.clear_wins, pair.prompts) == (16, 0, 0, 4, 8)
    assert pair.p == pytest.approx(2 / 2**8)
    assert result.between_people is not None
    assert (result.between_people.compared, result.between_people.alike) == (8, 8)
    assert result.between_people.alpha is None
    assert str(result.advice).startswith("Every pair is told")


def test_sides_do_not_matter_but_are_watched(run: RunFolder, tmp_path: Path) -> None:
    """Someone who always takes side A prefers nothing, and is named."""
    of = key(prompts=12, repeats=4)
    of.write(run.listening_key)
    made = votes(of, [-1 if n % 2 == 0 else 1 for n in range(12)] + [1, -1, 1, -1])
    result = listening_result(joined_votes(run, [saved(tmp_path, "a.json", made)]))
    (pair,), (person,) = result.pairs, result.listeners
    assert (pair.wins, pair.losses, pair.verdict) == (6, 6, "open")
    assert (person.chose_a, person.chose_b, person.repeats, person.alike) == (16, 0, 4, 0)
    assert any("chose side A 16 times" in str(note) for note in result.notes)


def test_an_edited_vote_is_noticed(run: RunFolder, tmp_path: Path) -> None:
    good = saved(tmp_path, "good.json", votes(KEY, [1] * 8, "ann"))
    for change in ({"choice": 2}, {"heard_a_ms": 9999}, {"a": "a0"}):
        bad = edited(saved(tmp_path, "bad.json", votes(KEY, [-1] * 8, "berta")), **change)
        returned = joined_votes(run, [good, bad])
        assert [one.listener for one in returned.people] == ["ann"]
        assert "bad.json: it was changed after it was saved" in str(returned.left_out[0])
    with pytest.raises(TunesmithError, match="none of these votes count"):
        joined_votes(run, [bad])


def test_the_name_and_the_order_belong_to_the_digest(tmp_path: Path) -> None:
    made = votes(KEY, [1, -1, 2])
    for change in ({"name": "x"}, {"listener": "x"}, {"saved": "x"}, {"page": "x"}, {"votes": made.votes[::-1]}):
        assert made.model_copy(update=change).computed_digest() != made.digest, change


def test_repeated_files_count_once(run: RunFolder, tmp_path: Path) -> None:
    first = saved(tmp_path, "first.json", votes(KEY, [1] * 8))
    copy = saved(tmp_path, "copy.json", votes(KEY, [1] * 8))
    copied = votes(KEY, [1] * 8).model_copy(update={"listener": "somebody else"})
    other = saved(tmp_path, "other.json", signed(copied))
    returned = joined_votes(run, [first, copy, other])
    assert len(returned.people) == 1
    assert [str(reason) for reason in returned.left_out] == [
        "copy.json: the same as first.json, counted once",
        "other.json: the very votes of first.json, counted once",
    ]


def test_of_two_files_of_one_person_the_later_one_counts(run: RunFolder, tmp_path: Path) -> None:
    early = saved(tmp_path, "early.json", votes(KEY, [-1] * 3, saved="2026-01-01T10:00:00Z"))
    late = saved(tmp_path, "late.json", votes(KEY, [1] * 8, saved="2026-01-02T10:00:00Z"))
    for files in ([early, late], [late, early]):
        returned = joined_votes(run, files)
        assert [len(one.votes) for one in returned.people] == [8]
        assert "early.json: the same person saved late.json later" in str(returned.left_out[0])


def test_one_name_on_two_devices_is_told(run: RunFolder, tmp_path: Path) -> None:
    files = [saved(tmp_path, f"{who}.json", votes(KEY, [1] * 8, who, name="Li")) for who in ("x", "yy")]
    returned = joined_votes(run, files)
    assert len(returned.people) == 2
    assert "Li stands in several files" in str(returned.notes[0])


def test_votes_of_another_page_are_told_and_those_of_an_earlier_one_are_read(run: RunFolder, tmp_path: Path) -> None:
    foreign = saved(tmp_path, "foreign.json", signed(votes(KEY, [1] * 8).model_copy(update={"page": "elsewhere"})))
    with pytest.raises(TunesmithError, match="about another page"):
        joined_votes(run, [foreign])
    KEY.model_copy(update={"page": "elsewhere"}).write(run.path / "listening_key.elsewhere.json")
    assert joined_votes(run, [foreign]).key.page == "elsewhere"


def test_what_the_page_cannot_have_made_is_left_out(run: RunFolder, tmp_path: Path) -> None:
    made = votes(KEY, [1] * 8).votes
    odd = (
        made[0].model_copy(update={"a": "unknown"}),
        made[1].model_copy(update={"heard_b_ms": 100}),
        made[2].model_copy(update={"trial": 99}),
        made[3],
        made[3],
    )
    path = saved(tmp_path, "odd.json", signed(votes(KEY, []).model_copy(update={"votes": odd})))
    returned = joined_votes(run, [path])
    assert [vote.trial for vote in returned.people[0].votes] == [3]
    said = " ".join(map(str, returned.left_out))
    for words in (
        "did not play as pair 1",
        "pair 2 was voted on before",
        "did not play as pair 100",
        "pair 4 was voted on twice",
    ):
        assert words in said


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": 99}', "\x00\xff"])
def test_what_is_no_file_of_votes_is_told(run: RunFolder, tmp_path: Path, text: str) -> None:
    bad = tmp_path / "bad.json"
    bad.write_bytes(text.encode("latin-1"))
    good = saved(tmp_path, "good.json", votes(KEY, [1] * 8))
    returned = joined_votes(run, [bad, good, tmp_path / "gone.json"])
    assert len(returned.people) == 1
    assert "bad.json" in str(returned.left_out[0])
    assert "gone.json" in str(returned.left_out[1])


def test_votes_mean_nothing_without_a_key(tmp_path: Path) -> None:
    file = saved(tmp_path, "a.json", votes(KEY, [1]))
    folder = RunFolder(tmp_path)
    with pytest.raises(TunesmithError, match="no key of a listening test"):
        joined_votes(folder, [file])
    folder.listening_key.write_text("{")
    with pytest.raises(TunesmithError, match="listening_key"):
        joined_votes(folder, [file])


def test_few_prompts_are_said_to_be_few(run: RunFolder, tmp_path: Path) -> None:
    result = listening_result(joined_votes(run, [saved(tmp_path, "a.json", votes(KEY, [1] * 5))]))
    assert result.pairs[0].verdict == "open"
    assert "6 prompts at least have to be heard, and these were 5" in str(result.advice)


def test_people_who_differ_are_said_to_differ(run: RunFolder, tmp_path: Path) -> None:
    files = [
        saved(tmp_path, "a.json", votes(KEY, [1] * 8, "a")),
        saved(tmp_path, "bb.json", votes(KEY, [-1] * 8, "bb")),
    ]
    result = listening_result(joined_votes(run, files))
    assert result.between_people is not None
    assert result.between_people.alike == 0
    assert result.between_people.alpha is not None
    assert result.between_people.alpha < 0
    assert any("do not agree" in str(note) for note in result.notes)
    assert "1 of 2 people chose the adapter more often, 1 chose the base model" in map(str, result.notes)
    assert result.pairs[0].verdict == "open"
