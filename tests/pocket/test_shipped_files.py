from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile

from tools.pocket import sound
from tunesmith.errors import TunesmithError
from tunesmith.pocket import shipped
from tunesmith.pocket.shipped import example_clips, pocket_path


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
