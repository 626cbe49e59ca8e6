"""What the routes work with, and the language of who asks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, cast

from fastapi import Depends, Request

from tunesmith.studio.jobs.start import JobFolder
from tunesmith.studio.media import MediaIds
from tunesmith.studio.reading.facts import RunShelf
from tunesmith.texts import LANGUAGES, reader_language

LANGUAGE_COOKIE = "tunesmith_language"


@dataclass(frozen=True)
class Studio:
    """The parts of a running studio.

    Attributes:
        runs: The folder of all runs.
        shelf: Its runs.
        jobs: Its jobs.
        media: Its sounds and pictures.
    """

    runs: Path
    shelf: RunShelf
    jobs: JobFolder
    media: MediaIds

    @property
    def home(self) -> Path:
        """Where the studio keeps what is its own."""
        return self.runs / ".studio"


def _studio(request: Request) -> Studio:
    return cast(Studio, request.app.state.studio)


def language_of(request: Request) -> str:
    """``?language=``, the cookie, what the browser prefers, or what the terminal speaks; the first that is known."""
    asked = (request.query_params.get("language"), request.cookies.get(LANGUAGE_COOKIE))
    preferred = (part.split(";")[0].strip() for part in request.headers.get("accept-language", "").split(","))
    named = (name.split("-")[0].lower() for name in (*asked, *preferred) if name)
    return next((name for name in named if name in LANGUAGES), reader_language())


StudioPart = Annotated[Studio, Depends(_studio)]
Language = Annotated[str, Depends(language_of)]


def note(request: Request, **facts: object) -> None:
    """Say in the audit log what an action was about."""
    request.scope.setdefault("audit", {}).update(facts)
