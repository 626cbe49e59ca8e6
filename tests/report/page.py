"""Reads a report back as a browser would, for the tests."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """Tags, attributes and texts of a page; fails on tags that do not match."""

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.path = path
        self.html = path.read_text(encoding="utf-8")
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.stack: list[tuple[str, str]] = []
        self.errors: list[str] = []
        self.feed(self.html)
        self.close()

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.tags.append((tag, values))
        if tag not in VOID:
            spoken = values.get("class") if "lang" in values else None
            language = spoken or (self.stack[-1][1] if self.stack else "")
            self.stack.append((tag, language))

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.stack or self.stack[-1][0] != tag:
            self.errors.append(f"</{tag}> closes {self.stack[-1:]} at {self.getpos()}")
            return
        self.stack.pop()

    def handle_data(self, data):
        if self.stack and self.stack[-1][0] in {"script", "style"}:
            return
        self.texts.append((self.stack[-1][1] if self.stack else "", data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]

    def text(self, language: str = "") -> str:
        """What a reader of ``language`` sees; all of it by default."""
        shown = (part for spoken, part in self.texts if not language or spoken in ("", language))
        return " ".join(" ".join(shown).split())

    def sections(self) -> list[str | None]:
        return [attrs["id"] for attrs in self.all("section")]
