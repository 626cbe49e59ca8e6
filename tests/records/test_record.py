"""Records: versions, migrations, and what is refused."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from tunesmith.errors import TunesmithError
from tunesmith.files import read_json, write_json
from tunesmith.records.record import Record, Said
from tunesmith.texts import msg


class Heard(Record):
    FORMAT: ClassVar[int] = 2

    level_db: float
    said: Said

    @classmethod
    def migrate(cls, data: dict[str, Any], version: int) -> dict[str, Any]:
        return {"level_db": data["level"], "said": data["said"]} if version < 2 else data


def test_a_record_is_written_with_its_version_and_read_back(tmp_path):
    heard = Heard(level_db=-20.5, said=msg("level {db:.1f} dB", db=-20.5))
    heard.write(tmp_path / "a.json")
    assert read_json(tmp_path / "a.json")["format"] == 2
    assert read_json(tmp_path / "a.json")["said"]["text"] == "level -20.5 dB"
    assert Heard.read(tmp_path / "a.json") == heard


def test_a_file_from_before_is_migrated(tmp_path):
    write_json(tmp_path / "a.json", {"level": -3, "said": {"en": "loud", "zh": "响"}})
    old = Heard.read(tmp_path / "a.json")
    assert old.level_db == -3 and old.said.render("zh") == "响"


def test_files_of_the_future_and_other_data_are_refused(tmp_path):
    write_json(tmp_path / "a.json", {"format": 3})
    with pytest.raises(TunesmithError, match=r"format 3.*Update"):
        Heard.read(tmp_path / "a.json")
    write_json(tmp_path / "a.json", {"format": 2, "level_db": "loud", "said": "loud"})
    with pytest.raises(TunesmithError, match=r"a.json: this file is damaged: level_db"):
        Heard.read(tmp_path / "a.json")


def test_what_could_not_be_measured_is_null(tmp_path):
    Heard(level_db=float("nan"), said=msg("level {db:.1f} dB", db=float("nan"))).write(tmp_path / "a.json")
    assert read_json(tmp_path / "a.json")["level_db"] is None
    assert read_json(tmp_path / "a.json")["said"]["text"] == "level nan dB"


@pytest.mark.parametrize("data", [[1], 3, {"format": "x"}, {"level": 1}, {"level": None, "said": 3}, {"format": True}])
def test_other_data_are_damaged_and_not_unforeseen(data, tmp_path):
    write_json(tmp_path / "a.json", data)
    with pytest.raises(TunesmithError, match=r"a\.json"):
        Heard.read(tmp_path / "a.json")
