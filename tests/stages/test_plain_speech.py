"""`tunesmith check FOLDER` over speech: told by its sound, checked as a run of a model that speaks would."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.data.sounds import phrase, save
from tests.evaluation.speech.talk import RATE, talk
from tests.once import once
from tests.speech import tiny_whisper
from tests.speech.test_recordings import TEXTS
from tunesmith.cli.main import main
from tunesmith.records.repairs import Repairs
from tunesmith.speech.recordings.spoken_sound import sounds_spoken


@pytest.fixture(scope="session")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six good clips with their transcripts, and one in which all is said twice."""

    def make(folder: Path) -> None:
        for number, text in enumerate(TEXTS):
            save(folder / f"good{number}.wav", talk(text, seed=number)[0], RATE)
            (folder / f"good{number}.txt").write_text(text, encoding="utf-8")
        once_more = np.concatenate([talk(TEXTS[0], seed=9)] * 2, axis=1)
        save(folder / "twice.wav", once_more[0], RATE)
        (folder / "twice.txt").write_text(TEXTS[0], encoding="utf-8")

    return once(tmp_path_factory, "plain_speech", make)


def test_a_folder_of_speech_is_checked_as_speech(spoken, capsys):
    assert main(["check", str(spoken)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "7 of 7 clips that were listened to are speech" in said
    assert "speech_rate (1): twice.wav: its text is too short for its recording" in said
    assert "too_short" not in said, "short sentences are no short loops"


def test_who_names_a_model_of_music_gets_its_checks(spoken, capsys):
    assert main(["check", str(spoken), "model.family=musicgen"]) == 0
    said = capsys.readouterr().out
    assert "speech" not in said and "too_short" in said


def test_descriptions_are_no_transcripts(spoken, tmp_path, capsys):
    for path in spoken.glob("*.wav"):
        (tmp_path / path.name).symlink_to(path)
        (tmp_path / f"{path.stem}.txt").write_text(f"A calm voice {path.stem}.", encoding="utf-8")
    assert main(["check", str(tmp_path)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "their texts describe them" in said and "speech_rate" not in said


def test_clips_without_a_text_are_counted_and_not_named_after_the_folder(spoken, tmp_path, capsys):
    for path in spoken.glob("*.wav"):
        (tmp_path / path.name).symlink_to(path)
    assert main(["check", str(tmp_path)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "7 clips have no transcript" in said and "missing_text" not in said and "7 clips usable" in said


def test_whisper_listens_where_its_weights_are_named(spoken, tmp_path, capsys):
    weights = tiny_whisper.save(tmp_path / "whisper")
    assert main(["check", str(spoken), f"options.whisper={weights}"]) == 0
    assert "transcript (7)" in capsys.readouterr().out  # random weights hear gibberish


def test_the_repaired_copy_says_what_is_wrong_with_the_speech(spoken, tmp_path):
    assert main(["check", str(spoken), "--fix", str(tmp_path / "out")]) == 0
    record = Repairs.read(tmp_path / "out" / "repairs.json")
    left = {clip.clip: [finding.check for finding in clip.left] for clip in record.clips}
    assert "speech_rate" in left["twice.wav"]
    measured = tmp_path / "out" / ".facts.spoken.jsonl"
    assert len(measured.read_text().splitlines()) == 7


def test_music_stays_music(tmp_path, capsys):
    for number in range(3):
        save(tmp_path / f"beat{number}.wav", phrase(number, 8.0))
    main(["check", str(tmp_path)])
    assert "speech" not in capsys.readouterr().out


def test_drums_and_noise_do_not_speak():
    rng = np.random.default_rng(0)
    drums = np.zeros(8 * 8000, np.float32)
    for step, start in enumerate(range(0, len(drums) - 2000, 1600)):
        fall = np.exp(-np.arange(2000) / 400)
        tone = np.sin(2 * np.pi * 90 * np.arange(2000) / 8000) if step % 2 == 0 else rng.standard_normal(2000)
        drums[start : start + 2000] += (0.3 * fall * tone).astype(np.float32)
    assert not sounds_spoken(drums[None], 8000)
    assert not sounds_spoken(0.1 * rng.standard_normal((1, 16_000)), 8000)
    assert not sounds_spoken(np.zeros((1, 16_000), np.float32), 8000)
    assert sounds_spoken(talk(TEXTS[0]), RATE)
