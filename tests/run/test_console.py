"""The console: the reader's language on the terminal, English in the log."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console as RichConsole

from tunesmith.run import console as module
from tunesmith.run.console import Console
from tunesmith.texts import msg


def test_a_message_is_printed_in_the_reader_s_language_and_logged_in_english(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "reader_language", lambda: "zh")
    shown, log = io.StringIO(), tmp_path / "train.log"
    console = Console(RichConsole(file=shown, width=200), log)
    console.log(msg("{said} (overruled by you)", said=msg("this clip has no caption")))
    console.warn("plain [words]")
    assert shown.getvalue() == "该片段没有文字描述（已由你豁免）\n警告：plain [words]\n"
    said = [line.split(" ", 2)[2] for line in log.read_text(encoding="utf-8").splitlines()]
    assert said == ["this clip has no caption (overruled by you)", "warning: plain [words]"]


def test_a_quiet_console_still_logs(tmp_path):
    shown, log = io.StringIO(), tmp_path / "train.log"
    Console(RichConsole(file=shown), log, quiet=True).log(msg("this clip has no caption"))
    assert shown.getvalue() == "" and log.read_text(encoding="utf-8").endswith("this clip has no caption\n")


def test_half_a_character_is_logged_escaped(tmp_path: Path) -> None:
    Console(quiet=True, log_file=tmp_path / "train.log").log("caf\udce9.wav, a\ud83cb")
    assert r"caf\udce9.wav, a\ud83cb" in (tmp_path / "train.log").read_text(encoding="utf-8")
