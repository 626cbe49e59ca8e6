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


def test_of_many_lines_of_one_kind_the_first_are_printed_and_the_others_counted():
    shown = io.StringIO()
    console = Console(RichConsole(file=shown, width=200))
    lines = [msg("{clip}: {said}", clip=f"c{number}.wav", said="is empty") for number in range(5000)]
    console.log_some(lines, lambda count: msg("{text}", text=f"{count} more"))
    assert shown.getvalue().splitlines() == ["c0.wav: is empty", "c1.wav: is empty", "c2.wav: is empty", "4997 more"]
    console.log_some(lines[:4], lambda count: msg("{text}", text=f"{count} more"))
    assert shown.getvalue().splitlines()[4:] == [f"c{number}.wav: is empty" for number in range(4)]
