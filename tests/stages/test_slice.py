"""`tunesmith slice`, as a user runs it: bars, pauses, words, texts and sources stay whole."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.data.sounds import phrase, save
from tests.evaluation.speech.talk import espeak, needs_espeak
from tests.once import once
from tests.speech import tiny_whisper
from tunesmith.audio.decode import read
from tunesmith.cli.main import main
from tunesmith.data.layouts import read_layout
from tunesmith.data.slicing.voice import has_silero
from tunesmith.data.split import split
from tunesmith.pocket.synth import render
from tunesmith.records.slices import Slices

LEAD = 0.7
RATE = 24_000
SENTENCES = (
    "The quick brown fox jumps over the lazy dog.",
    "She sells sea shells by the sea shore, and they are surely sea shells.",
    "It was the best of times, it was the worst of times.",
    "Peter Piper picked a peck of pickled peppers last night.",
    "All that glitters is not gold, and not all who wander are lost.",
    "A journey of a thousand miles begins with a single step.",
)


def talk() -> tuple[np.ndarray, list[tuple[float, float]]]:
    """(N,) of sentences with pauses between them, one of 6 s, over a little noise; and where each sentence lies."""
    rng = np.random.default_rng(0)
    parts, spans, done = [np.zeros(RATE)], [], RATE
    for number, sentence in enumerate(SENTENCES):
        said = espeak(sentence, speed=165, rate=RATE)[0]
        loud = np.flatnonzero(np.abs(said) > 1e-3)
        said = said[loud[0] : loud[-1] + 1]
        pause = np.zeros(6 * RATE if number == 2 else round(rng.uniform(0.4, 0.9) * RATE))
        spans.append((done / RATE, (done + len(said)) / RATE))
        parts += [said, pause]
        done += len(said) + len(pause)
    sound = np.concatenate(parts)
    return sound + 1e-4 * rng.standard_normal(len(sound)), spans


@pytest.fixture(scope="session")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of recordings in ``d``, cut into ``out``, and what was there before in ``before``."""

    def make(folder: Path) -> None:
        made = render("trap808", 60.0, 0, 32_000)
        sound = np.concatenate([np.zeros((round(LEAD * 32_000), made.audio.shape[1]), np.float32), made.audio])
        save(folder / "d" / "beats" / "trap.wav", sound, 32_000)
        save(folder / "d" / "silent.wav", np.zeros(16_000 * 15))
        save(folder / "d" / "short.wav", phrase(1, 1.2))
        (folder / "d" / "broken.wav").write_bytes(b"RIFF\x00\x00\x00\x00WAVEjunk" + bytes(64))
        (folder / "d" / "beats" / "trap.txt").write_text("808 trap, 150 bpm")
        lyrics = "\n".join(["[verse]", *(f"line {i}" for i in range(8)), "[chorus]", *(f"hook {i}" for i in range(8))])
        (folder / "d" / "beats" / "trap.lyrics.txt").write_text(lyrics)
        shutil.copytree(folder / "d", folder / "before")
        assert main(["slice", str(folder / "d"), str(folder / "out"), "--seconds", "10-20"]) == 0

    return once(tmp_path_factory, "cut", make)


def rows(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "metadata.jsonl").read_text().splitlines()]


def times(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.suffix in (".wav", ".flac")}


def test_clips_begin_and_end_at_bars_and_are_the_recording_sample_by_sample(cut: Path) -> None:
    found, bar = rows(cut / "out"), 240 / render("trap808", 1.0, 0, 32_000).bpm
    assert len(found) >= 3
    assert found[-1]["end"] - found[0]["start"] == pytest.approx(60, abs=3)
    for row in found:
        assert 10 <= row["end"] - row["start"] <= 20
        source, rate = read(cut / "d" / row["source"], row["start"], row["end"])
        clip, _ = read(cut / "out" / row["file_name"])
        fade = round(0.0035 * rate)
        assert clip.shape == source.shape
        assert np.array_equal(clip[:, fade:-fade], source[:, fade:-fade])
        cuts = [0] if row is found[-1] else [0, -1]  # the recording's own end stays as it is
        assert np.abs(clip[:, cuts]).max() <= 0.02 * np.abs(clip).max()  # nothing clicks
    inner = [row["start"] - LEAD for row in found[1:]]
    assert max(abs((time + bar / 2) % bar - bar / 2) for time in inner) < 0.05
    assert all(after["start"] == before["end"] for before, after in pairwise(found))


def test_texts_follow_their_part_and_a_split_keeps_a_recording_together(cut: Path) -> None:
    dataset = read_layout(cut / "out")
    assert (dataset.name, dataset.problems) == ("audiofolder", [])
    assert {sample.source for sample in dataset.samples} == {"beats/trap"}
    assert {sample.texts["caption"] for sample in dataset.samples} == {"808 trap, 150 bpm"}
    lines = [line for row in rows(cut / "out") for line in row["lyrics"].splitlines() if not line.startswith("[")]
    assert [line for line in lines if line] == [*(f"line {i}" for i in range(8)), *(f"hook {i}" for i in range(8))]
    assert dataset.samples[0].attributes.keys() >= {"source", "start", "end"}
    assert len({part.split for part in split(dataset.samples, cut=False).samples}) == 1
    record = Slices.read(cut / "out" / "slices.json")
    trap = next(recording for recording in record.recordings if recording.clip == "beats/trap.wav")
    assert (trap.way, trap.tempo) == ("bars", pytest.approx(150, abs=1))
    assert "is a guess by their share" in str(trap.notes[-1])


def test_what_cannot_be_cut_is_said_and_nothing_of_the_source_changes(cut: Path) -> None:
    notes = {r.clip: str(r.notes[0]) for r in Slices.read(cut / "out" / "slices.json").recordings if not r.slices}
    assert notes["silent.wav"] == "nothing can be heard in it"
    assert notes["short.wav"].startswith("its sound lasts 0.9 s, under 10 s")
    assert "no decoder can read this file" in notes["broken.wav"]
    for path in (cut / "before").rglob("*.*"):
        assert (cut / "d" / path.relative_to(cut / "before")).read_bytes() == path.read_bytes()


def test_a_second_command_writes_nothing_and_edits_stay(cut: Path, tmp_path: Path, capsys) -> None:
    shutil.copytree(cut / "d", tmp_path / "d")
    command = ["slice", str(tmp_path / "d"), str(tmp_path / "out"), "--seconds", "10-20"]
    assert main(command) == 0
    before, found = times(tmp_path / "out"), rows(tmp_path / "out")
    found[0]["text"] = "my own words"
    del found[1]
    (tmp_path / "out" / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in found))
    (tmp_path / "d" / "beats" / "trap.txt").write_text("another caption")
    capsys.readouterr()
    assert main(command) == 0
    assert times(tmp_path / "out") == before
    again = rows(tmp_path / "out")
    assert [row["file_name"] for row in again] == [row["file_name"] for row in found]
    assert [row["text"] for row in again] == ["my own words", *["another caption"] * (len(found) - 1)]
    assert "2 rows of metadata.jsonl that you have edited stay as they are" in capsys.readouterr().out
    assert main([*command[:-1], "10-30"]) == 0  # other lengths: clips that are no more are taken away
    record = Slices.read(tmp_path / "out" / "slices.json")
    clips = {part.file for recording in record.recordings for part in recording.slices}
    assert {str(Path(path).relative_to(tmp_path / "out")) for path in times(tmp_path / "out")} == clips
    assert len(clips) < len(before)


def test_an_interrupted_command_goes_on(cut: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    from tunesmith.data import own_folder

    real, written = own_folder.atomic_path, []

    def stops(path: Path):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(path)
        return real(path)

    monkeypatch.setattr(own_folder, "atomic_path", stops)
    command = ["slice", str(cut / "d"), str(tmp_path / "out"), "--seconds", "10-20"]
    assert main(command) == 130
    assert "the clips so far stay in" in capsys.readouterr().out
    before = times(tmp_path / "out")
    assert len(before) == 2
    monkeypatch.setattr(own_folder, "atomic_path", real)
    assert main(command) == 0
    assert before.items() <= times(tmp_path / "out").items()
    assert rows(tmp_path / "out") == rows(cut / "out")


@needs_espeak
@pytest.mark.parametrize("silero", [False, True])
def test_no_word_is_cut_and_long_pauses_are_left_out(tmp_path: Path, monkeypatch, capsys, silero: bool) -> None:
    from tunesmith.data.slicing import voice

    if silero and not has_silero():
        pytest.skip("silero-vad is not installed")
    if not silero:
        monkeypatch.setattr(voice, "speech_detector", lambda: None)
    sound, spans = talk()
    save(tmp_path / "d" / "talk.flac", sound, RATE)
    (tmp_path / "d" / "talk.txt").write_text(" ".join(SENTENCES))
    assert main(["slice", str(tmp_path / "d"), str(tmp_path / "out"), "--at", "silence", "--seconds", "2-12"]) == 0
    found = rows(tmp_path / "out")
    for begin, end in spans:
        assert sum(row["start"] <= begin + 0.01 and row["end"] >= end - 0.01 for row in found) == 1
        assert not any(begin + 0.01 < time < end - 0.01 for row in found for time in (row["start"], row["end"]))
    assert sum(row["end"] - row["start"] for row in found) < len(sound) / RATE - 5
    assert not any("text" in row for row in found)  # no transcript of the whole, and none that was made up
    assert "reads like a transcript of the whole" in capsys.readouterr().out
    record = Slices.read(tmp_path / "out" / "slices.json").recordings[0]
    assert record.voice == ("silero" if silero else "level")
    assert all(part.ends_at in ("pause", "end") for part in record.slices)


@needs_espeak
def test_whisper_writes_the_transcripts_where_it_is(tmp_path: Path, monkeypatch, capsys) -> None:
    from tunesmith.speech import transcribe

    sound, _ = talk()
    save(tmp_path / "d" / "talk.wav", sound[: 12 * RATE], RATE)
    command = ["slice", str(tmp_path / "d"), str(tmp_path / "out"), "--at", "silence", "--transcribe"]
    monkeypatch.setattr(transcribe, "_downloaded", lambda name: None)
    assert main(command) == 0
    assert "there are no Whisper weights here" in capsys.readouterr().out
    assert not any("text" in row for row in rows(tmp_path / "out"))
    weights = tiny_whisper.save(tmp_path / "whisper")
    monkeypatch.setattr(transcribe, "_downloaded", lambda name: weights)
    assert main(command) == 0
    heard = transcribe.Transcriber(weights, "tiny")
    for row in rows(tmp_path / "out"):
        assert row["text"] == heard.transcribe(*read(tmp_path / "out" / row["file_name"])) != ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--seconds", "long"], "`long` is no range of seconds"),
        (["--seconds", "20-10"], "clips of 20 to 10 s cannot be cut"),
        (["--seconds", "0-10"], "clips of 0 to 10 s cannot be cut"),
        (["--seconds", "5-10", "--overlap", "5"], "an overlap of 5 s leaves nothing new"),
    ],
)
def test_lengths_that_are_refused(tmp_path: Path, capsys, words: list[str], said: str) -> None:
    save(tmp_path / "d" / "a.wav", phrase(1, 2.0))
    assert main(["slice", str(tmp_path / "d"), str(tmp_path / "out"), *words]) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_folders_that_are_refused(tmp_path: Path, capsys) -> None:
    save(tmp_path / "d" / "a.wav", phrase(1, 2.0))
    line = {"prompt_audio_path": "a.wav", "target_audio_path": "a.wav", "target_text": "a"}
    (tmp_path / "d" / "train.jsonl").write_text(json.dumps(line) + "\n")
    for folder, out, said in (
        (tmp_path / "d", tmp_path / "out", "each item here is a prompt and its answer"),
        (tmp_path / "d", tmp_path / "d" / "out", "lies inside of your clips' folder"),
        (tmp_path / "nowhere", tmp_path / "out", "there is no such folder"),
    ):
        assert main(["slice", str(folder), str(out)]) == 1
        assert said in capsys.readouterr().err


def test_a_short_file_is_copied_whole_and_parts_of_one_file_stay_together(tmp_path: Path) -> None:
    work = tmp_path / "d"
    save(work / "x.mp3", phrase(3, 12.0))
    save(work / "long.wav", np.concatenate([phrase(4, 30.0), phrase(5, 30.0)]))
    parts = [("x", "x.mp3", None, None), ("one", "long.wav", 0.0, 30.0), ("two", "long.wav", 30.0, 60.0)]
    lines = []
    for name, path, start, end in parts:
        ref = {"path": path} if end is None else {"path": path, "start": start, "end": end}
        lines.append(json.dumps({"id": name, "audios": {"audio": ref}, "texts": {"caption": name}}) + "\n")
    (work / "manifest.jsonl").write_text("".join(lines))
    assert main(["slice", str(work), str(tmp_path / "out"), "--at", "bars", "--seconds", "8-16"]) == 0
    found = rows(tmp_path / "out")
    assert (tmp_path / "out" / "x_slice_0001.mp3").read_bytes() == (work / "x.mp3").read_bytes()
    from_long = [row for row in found if row["file_name"].startswith("long_slice_")]
    assert [row["text"] for row in from_long] == sorted(row["text"] for row in from_long) and len(from_long) >= 4
    assert all(0 <= row["start"] < row["end"] <= (30 if row["text"] == "one" else 60) for row in from_long)
    assert min(row["start"] for row in from_long if row["text"] == "two") >= 30
    for row in from_long:
        source, _ = read(work / "long.wav", row["start"], row["end"])
        clip, _ = read(tmp_path / "out" / row["file_name"])
        assert np.array_equal(clip[:, 100:-100], source[:, 100:-100])
    sources = {sample.id: sample.source for sample in read_layout(tmp_path / "out").samples}
    assert {sources[row["file_name"]] for row in from_long} == {"long"}
