"""Lines of a lyric go to the part in which they are sung, each to one, and what is guessed is known to be a guess."""

from __future__ import annotations

from pathlib import Path

from tunesmith.data.sample import AudioRef, Sample
from tunesmith.data.slicing.lyrics import is_timed, lines_of, part_of
from tunesmith.data.slicing.texts import is_transcript, whole_texts

LRC = """[ti:Song]
[00:01.00][verse]
[00:02.50]one
[00:10.00]two <00:11.00>and more
[00:19.80]three
[00:20.00][chorus]
[00:21.00][00:41.00]again
"""
PLAIN = "[intro]\n[verse]\none\ntwo\nthree\nfour\n\n[chorus]\nfive\nsix\nseven\neight"


def test_timed_lines_go_where_their_time_lies() -> None:
    lines = lines_of(LRC, 0.0, 60.0)
    assert is_timed(LRC) and not any(line.guessed for line in lines)
    assert part_of(lines, 0.0, 10.0) == "[verse]\none"
    assert part_of(lines, 10.0, 20.0) == "[verse]\ntwo and more"  # a line's time may be a little late
    assert part_of(lines, 20.0, 30.0) == "[verse]\nthree\n\n[chorus]\nagain"
    assert part_of(lines, 40.0, 60.0) == "[chorus]\nagain"
    assert part_of(lines, 30.0, 40.0) == ""


def test_lines_without_times_are_spread_and_each_goes_to_one_part() -> None:
    lines = lines_of(PLAIN, 10.0, 130.0)
    assert not is_timed(PLAIN) and all(line.guessed for line in lines)
    parts = [part_of(lines, start, start + 40.0) for start in (10.0, 50.0, 90.0)]
    assert parts == ["[intro]", "[verse]\none\ntwo\nthree\nfour", "[chorus]\nfive\nsix\nseven\neight"]
    words = [line for part in parts for line in part.splitlines() if line and not line.startswith("[")]
    assert words == ["one", "two", "three", "four", "five", "six", "seven", "eight"]


def test_a_transcript_is_told_from_a_description() -> None:
    said = "it was the best of times it was the worst of times it was the age of wisdom " * 4
    assert is_transcript(said, 30.0)
    assert not is_transcript(said, 600.0)
    assert not is_transcript("trap beat, dark, 140 bpm, rolling hi hats and an 808 that slides down", 30.0)
    assert is_transcript(
        "今天天气很好我们一起去公园散步吧然后再去吃饭看电影买东西最后回家休息明天继续工作学习锻炼身体", 12.0
    )


def test_an_lrc_file_beside_the_recording_counts(tmp_path: Path) -> None:
    (tmp_path / "x.lrc").write_text(LRC)
    sample = Sample("x.wav", {"audio": AudioRef(str(tmp_path / "x.wav"))}, {"caption": "rap", "lyrics": "one\ntwo"})
    texts = whole_texts(sample, 60.0, (0.0, 60.0), uncut=False)
    assert not texts.guessed
    assert texts.part(0.0, 10.0) == {"caption": "rap", "lyrics": "[verse]\none"}
    assert texts.part(30.0, 40.0) == {"caption": "rap"}
