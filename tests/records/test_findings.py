"""``findings.json``, as it is written now and as it was before it had a version.

``old/findings.json`` was written by ``tunesmith check`` before then, over eight short clips.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tunesmith.errors import TunesmithError, UnfitSampleError
from tunesmith.files import read_json, write_json
from tunesmith.records.findings import CheckFindings, Finding
from tunesmith.run.folder import RunFolder
from tunesmith.stages.encode import add_findings
from tunesmith.texts import msg

OLD = Path(__file__).parent / "old" / "findings.json"


def test_a_file_from_before_is_read_in_both_languages():
    before, found = json.loads(OLD.read_text(encoding="utf-8")), CheckFindings.read(OLD)
    assert (found.layout, found.kept, found.train, found.valid) == ("folder", 5, 5, 0)
    assert (found.split_kind, found.seconds, found.replay) == ("none", 20.0, None)
    for old, new in zip(before["findings"], found.findings, strict=True):
        assert [str(new.message), str(new.remedy)] == [old["message"], old["remedy"]]
        assert [new.message.render("zh"), new.remedy.render("zh")] == [old["message_zh"], old["remedy_zh"]]
        assert [new.check, new.level, new.clip, new.value, new.limit, new.unit] == [
            old[name] for name in ("check", "level", "clip", "value", "limit", "unit")
        ]
    assert [(str(note), note.render("zh")) for note in found.notes] == [(n["en"], n["zh"]) for n in before["notes"]]


def test_why_a_clip_was_left_out_is_said_in_the_language_of_its_finding():
    found = CheckFindings.read(OLD)
    assert {clip: str(why) for clip, why in found.quarantined.items()} == read_json(OLD)["quarantined"]
    assert found.quarantined["short.wav"].render("zh") == "该片段只有 0.20 秒，少于 1 秒"


def test_a_file_from_before_is_written_anew_with_a_version(tmp_path):
    found = CheckFindings.read(OLD)
    found.write(tmp_path / "findings.json")
    assert read_json(tmp_path / "findings.json")["format"] == 1
    assert CheckFindings.read(tmp_path / "findings.json") == found


def test_what_is_written_now_comes_back_and_holds_the_english_text(tmp_path):
    short = msg("{subject} lasts {seconds:.2f} s, under {limit:g} s", subject=msg("this clip"), seconds=0.2, limit=1.0)
    finding = Finding(check="too_short", level="error", clip="a.wav", message=short, value=0.2, limit=1.0, unit="s")
    found = CheckFindings(findings=(finding,), quarantined={"a.wav": short}, notes=(msg("this clip has no caption"),))
    found.write(tmp_path / "findings.json")
    assert read_json(tmp_path / "findings.json")["quarantined"]["a.wav"]["text"] == "this clip lasts 0.20 s, under 1 s"
    again = CheckFindings.read(tmp_path / "findings.json")
    assert again == found and again.findings[0].message.render("zh") == "该片段只有 0.20 秒，少于 1 秒"


def test_a_run_from_before_goes_on_to_be_encoded(tmp_path):
    path = Path(shutil.copy(OLD, tmp_path / "findings.json"))
    assert CheckFindings.read(path).errors_left() == []
    add_findings(path, [], {"0.wav": UnfitSampleError("it has no pitch", where="0.wav", remedy="Leave it out.")})
    found = CheckFindings.read(path)
    assert found.layout == "folder" and len(found.findings) == 12 and found.errors_left() == []
    assert list(found.quarantined) == ["broken.wav", "short.wav", "quiet.wav", "0.wav"]
    assert str(found.quarantined["0.wav"]) == "0.wav: it has no pitch. Leave it out."


def test_the_report_of_a_run_from_before_speaks_both_languages(tmp_path):
    from tunesmith.report.build import build_report

    folder = RunFolder(tmp_path)
    folder.findings.parent.mkdir()
    shutil.copy(OLD, folder.findings)
    words = [
        "this clip lasts 0.20 s, under 1 s",
        "该片段只有 0.20 秒，少于 1 秒",
        "换更长的片段",
        "没有验证集：只有 5 首曲目",
    ]
    for _ in ("as it was written", "as it is written now"):
        page = build_report(folder).read_text(encoding="utf-8")
        assert [word for word in words if word in page] == words
        CheckFindings.read(folder.findings).write(folder.findings)


@pytest.mark.parametrize("change", [{"findings": None}, {"findings": [3]}, {"quarantined": ["a"]}, {"notes": [None]}])
def test_a_damaged_file_is_said_to_be_damaged(tmp_path, change):
    for version in ({}, {"format": 1}):
        write_json(tmp_path / "findings.json", {**read_json(OLD), **version, **change})
        with pytest.raises(TunesmithError, match=r"findings\.json: this file is damaged"):
            CheckFindings.read(tmp_path / "findings.json")


def test_what_is_damaged_is_said_in_the_reader_s_language(tmp_path, monkeypatch):
    write_json(tmp_path / "findings.json", {"format": 1, "notes": [None]})
    with pytest.raises(TunesmithError, match=r"this file is damaged: notes\.0: this is no sentence") as damaged:
        CheckFindings.read(tmp_path / "findings.json")
    monkeypatch.setattr("tunesmith.texts.message.translate", lambda template, language: f"<{template}>")
    assert "<this is no sentence>" in damaged.value.message.render("zh")
