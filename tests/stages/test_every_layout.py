"""`new` and `check` over every way in which captions lie beside clips, as a user runs them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.data.sounds import phrase, save
from tunesmith.cli.main import main
from tunesmith.data.sample import Sample, read_manifest
from tunesmith.recipe.load import load_recipe

NOT_UTF8 = os.fsdecode(b"caf\xe9")
LYRICS = "Verse 1:\nhello"


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four clips in a folder, and the working directory of the command."""
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("a", "b", "c", NOT_UTF8)):
        save(tmp_path / "made.wav", phrase(number, 1.0)).rename(tmp_path / f"{name}.wav")
    (tmp_path / "d").mkdir()
    for path in tmp_path.glob("*.wav"):
        path.rename(tmp_path / "d" / path.name)
    return tmp_path / "d"


def checked(capsys: pytest.CaptureFixture[str], *overrides: str) -> tuple[list[Sample], str]:
    """The samples of a new run after its check, and what both commands said."""
    assert main(["new", "r", "--from", "d", "--model", "pocket/ace_step", "--force"]) == 0
    assert main(["check", "r", "checks.min_seconds=0.5", "data.fingerprint=false", *overrides]) == 0
    return list(read_manifest(Path("runs/r/data/manifest.jsonl"))), capsys.readouterr().out


@pytest.mark.parametrize(
    "texts",
    [
        {".txt": "tone {}", ".lyrics.txt": LYRICS},
        {".caption.txt": "tone {}", ".txt": LYRICS},
        {".Caption": "tone {}", ".LYRICS": LYRICS},
        {"_prompt.txt": "tone {}", "_lyrics.txt": LYRICS},
        {".json": json.dumps({"caption": "tone {}", "lyrics": LYRICS, "bpm": 120, "language": "en"})},
    ],
    ids="+".join,
)
def test_texts_beside_clips(clips, capsys, texts):
    for path in clips.glob("*.wav"):
        for ending, text in texts.items():
            path.with_name(path.stem + ending).write_text(text.replace("{}", path.stem[:1]), encoding="utf-8")
    samples, _ = checked(capsys)
    assert [sample.id for sample in samples] == ["a.wav", "b.wav", "c.wav", "caf\\xe9.wav"]
    assert samples[0].texts == {"caption": "tone a", "lyrics": LYRICS}
    assert samples[0].attributes == ({"bpm": 120, "language": "en"} if ".json" in texts else {})


@pytest.mark.parametrize("name", ["captions.csv", "dataset.jsonl", "metadata.csv"])
def test_lists(clips, capsys, name):
    lines = ["file_name;caption;lyrics", *(f'{stem}.wav;tone, {stem};"{LYRICS}"' for stem in "abc")]
    if name.endswith("jsonl"):
        lines = [json.dumps({"file": f"{stem}.wav", "caption": f"tone, {stem}", "lyrics": LYRICS}) for stem in "abc"]
    (clips / name).write_text("\n".join(lines), encoding="utf-8")
    samples, said = checked(capsys)
    assert [sample.texts for sample in samples] == [{"caption": f"tone, {stem}", "lyrics": LYRICS} for stem in "abc"]
    assert "1 audio files are not listed and not used (the first: caf\\xe9.wav)" in said


@pytest.mark.parametrize("sign", ["\u2028", "\u2029", "\u0085", "\u0007", "\u001b", "\u007f", "\ud83c", "\ufeff"])
def test_a_recipe_can_be_read_whatever_is_in_a_caption(clips, capsys, sign):
    rows = [{"audio": f"{stem}.wav", "text": f"beat {sign}dark {stem}"} for stem in "abc"]
    (clips / "metadata.json").write_text(json.dumps(rows))
    samples, _ = checked(capsys)
    assert all(sample.texts["caption"].startswith("beat ") for sample in samples)


def test_a_folder_whose_name_is_not_utf8(clips, capsys):
    clips.rename(clips.with_name(NOT_UTF8))
    assert main(["new", "r", "--from", NOT_UTF8, "--model", "pocket", "--text", "tones"]) == 0
    assert load_recipe(Path("runs/r/recipe.yaml")).data.folder == str(clips.with_name(NOT_UTF8))
    assert main(["check", "r", "checks.min_seconds=0.5"]) == 0


def test_a_caption_guessed_from_the_folders_name_is_a_warning(clips, capsys):
    assert main(["new", "r", "--from", "d", "--model", "pocket"]) == 0
    assert "warning: 4 clips have no caption, and the folder's name, `d`, stands in for one." in capsys.readouterr().out
    assert main(["new", "r", "--from", "d", "--model", "pocket", "--text", "tones", "--force"]) == 0
    assert "the folder's name" not in capsys.readouterr().out


def test_a_caption_that_the_text_encoder_cuts_is_a_finding(clips, capsys):
    for path in clips.glob("*.wav"):
        path.with_suffix(".txt").write_text(f"tone {path.stem[:1]}")
    long = ", ".join(f"{number} bpm" for number in range(100, 300))
    (clips / "a.txt").write_text(long)
    assert main(["new", "r", "--from", "d", "--model", "pocket"]) == 0
    assert main(["check", "r", "checks.min_seconds=0.5"]) == 0
    said = capsys.readouterr().out
    assert (
        "family_texts (1): a.wav: its caption (or a recaption) has" in said and "the model reads the first 512" in said
    )
