"""What the user sees of a run: lines and progress bars on the terminal, the same lines in ``train.log``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console as RichConsole
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tunesmith.texts import Message, as_message, msg, reader_language

FEW = 3
"""Lines of one kind that are printed where there may be thousands; the others are counted."""


class Console:
    """Prints lines and progress bars, and logs the lines; silent on every process but the first.

    A message is printed in the reader's language and logged in English.

    Args:
        terminal: Where to print; a new one on standard output by default.
        log_file: File that keeps every line with its time.
        quiet: Print nothing (lines still go to the log).
    """

    def __init__(
        self, terminal: RichConsole | None = None, log_file: Path | None = None, *, quiet: bool = False
    ) -> None:
        self.terminal = terminal or RichConsole(highlight=False, soft_wrap=True)
        self.log_file = log_file
        self.quiet = quiet

    def mute(self) -> None:
        """Print and log nothing from now on."""
        self.quiet, self.log_file = True, None

    def log(self, text: str | Message, style: str | None = None) -> None:
        """Print a line and log it."""
        if not self.quiet:
            self.terminal.print(escape(as_message(text).render(reader_language())), style=style)
        if self.log_file is not None:
            self.log_file.parent.mkdir(parents=True, exist_ok=True)
            with self.log_file.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")

    def log_some(
        self, lines: Sequence[Message], more: Callable[[int], Message], style: str | None = None, *, most: int = FEW
    ) -> None:
        """Print the first of many lines of one kind, and in one line how many more there are.

        Args:
            lines: All of them.
            more: The line that says so; it is given their number.
            style: Of every line.
            most: How many are printed; one more is printed rather than counted.
        """
        shown = lines if len(lines) <= most + 1 else lines[:most]
        for line in shown:
            self.log(line, style=style)
        if len(shown) < len(lines):
            self.log(more(len(lines) - len(shown)), style=style)

    def warn_some(self, lines: Sequence[Message], more: Callable[[int], Message]) -> None:
        """The same as warnings."""
        self.log_some(
            [msg("warning: {said}", said=line) for line in lines],
            lambda count: msg("warning: {said}", said=more(count)),
            "yellow",
        )

    def warn(self, text: str | Message) -> None:
        """Print and log a warning."""
        self.log(msg("warning: {said}", said=text), style="yellow")

    def title(self, text: str | Message) -> None:
        """Print the heading of a stage."""
        self.log(text, style="bold cyan")

    @contextmanager
    def progress(self, what: str | Message, total: int | None) -> Iterator[Callable[..., None]]:
        """A progress bar; call the yielded function with how many are done (1 by default) and an optional note."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
        )
        with Progress(*columns, console=self.terminal, transient=False, disable=self.quiet) as bar:
            task = bar.add_task(as_message(what).render(reader_language()), total=total, note="")

            def advance(steps: int = 1, note: str | None = None) -> None:
                bar.update(task, advance=steps)
                if note is not None:
                    bar.update(task, note=escape(note))

            yield advance
