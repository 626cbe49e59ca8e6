from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile

from tools.pocket import sound
from tunesmith.errors import TunesmithError
from tunesmith.pocket import shipped
from tunesmith.pocket.shipped import FAMILIES, example_clips, is_pocket_model, pocket_path


def rows(folder: Path) -> list[dict[str, str]]:
    return json.loads((folder / "metadata.json").read_text(encoding="utf-8"))


def test_the_shipped_clips_are_those_that_are_listed() -> None:
    folder = example_clips()
    listed = {row["audio"] for row in rows(folder)}
    assert listed == {f"train/{path.name}" for path in (folder / "train").iterdir()}
    assert len(listed) >= 24
    assert sum(path.stat().st_size for path in (folder / "train").iterdir()) < 6e6


def test_a_shipped_clip_sounds_like_808() -> None:
    folder = example_clips()
    row = rows(folder)[0]
    audio, rate = soundfile.read(folder / row["audio"])
    measured = sound.measure(audio if audio.ndim == 1 else audio.mean(axis=1), rate)
    assert measured.sub_share > 0.5
    assert measured.silent_share < 0.05
    assert "808" in row["text"]


def test_an_unknown_checkpoint_names_those_there_are() -> None:
    with pytest.raises(TunesmithError, match="There are musicgen, ace_step, step_audio"):
        pocket_path("nothing")


def test_a_missing_checkpoint_names_the_command_that_builds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "FAMILIES", ("not_there",))
    with pytest.raises(TunesmithError, match="make pocket-not-there"):
        pocket_path("not_there")


def test_a_pocket_model_is_known_by_its_name_its_folder_and_a_copy_of_it(tmp_path: Path) -> None:
    assert is_pocket_model("pocket") and is_pocket_model("pocket/ace_step")
    assert all(is_pocket_model(str(pocket_path(family))) for family in FAMILIES)
    copy = tmp_path / "local" / "musicgen-small"
    copy.mkdir(parents=True)
    assert not is_pocket_model(str(copy)) and not is_pocket_model("facebook/musicgen-small")
    (copy / "NUMBERS.md").write_text("# Numbers of mine\n", encoding="utf-8")
    assert not is_pocket_model(str(copy))
    (copy / "NUMBERS.md").write_bytes((pocket_path() / "NUMBERS.md").read_bytes())
    assert is_pocket_model(str(copy))
