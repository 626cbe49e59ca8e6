"""The application: routes, refusals as sentences, the guard before all of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from tunesmith import __version__
from tunesmith.errors import TunesmithError, message_of
from tunesmith.files import explain_os_error
from tunesmith.studio import pages
from tunesmith.studio.api import jobs, media, runs
from tunesmith.studio.api.context import Studio, language_of
from tunesmith.studio.audit import AuditLog
from tunesmith.studio.errors import NotNowError, NotThereError
from tunesmith.studio.guard import Door, Guard
from tunesmith.studio.jobs.start import JobFolder
from tunesmith.studio.media import MediaIds
from tunesmith.studio.reading.facts import RunShelf
from tunesmith.texts import Message, msg

STATIC = Path(__file__).parent / "static"


def make_app(folder: Path, door: Door) -> FastAPI:
    """The studio over a folder of runs.

    Args:
        folder: The folder of all runs.
        door: Who may come in.
    """
    app = FastAPI(
        title="Tunesmith studio",
        version=__version__,
        docs_url=None,  # its pages would come from elsewhere
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    studio = Studio(folder, RunShelf(folder), JobFolder(folder), MediaIds(door.token, (folder,)))
    app.state.studio = studio
    for router in (runs.router, jobs.router, media.router, pages.router):
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC))
    app.add_exception_handler(TunesmithError, _refused)
    app.add_exception_handler(OSError, _refused)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(HTTPException, _http)
    app.add_middleware(Guard, door=door, audit=AuditLog(studio.home / "audit.log"))
    return app


def _refusal(request: Request, status: int, said: Message, headers: Mapping[str, str] | None = None) -> Response:
    language = language_of(request)
    sentence = said.render(language)
    if request.method == "GET" and not request.url.path.startswith(("/api/", "/media/", "/static/")):
        return pages.error_page(request, sentence, status, language)
    return JSONResponse({"error": sentence}, status, headers)


def _refused(request: Request, error: Exception) -> Response:
    status = 404 if isinstance(error, NotThereError) else 409 if isinstance(error, NotNowError) else 400
    if isinstance(error, OSError):
        error = explain_os_error(error, Path(error.filename or "."))
    return _refusal(request, status, message_of(error))


def _not_understood(request: Request, error: Exception) -> Response:
    first = error.errors()[0] if isinstance(error, RequestValidationError) else {"loc": (), "msg": ""}
    where = ".".join(str(part) for part in first["loc"][1:])
    said = Message.fixed(str(first["msg"]))
    return _refusal(request, 422, msg("{where}: {said}", where=where, said=said) if where else said)


def _http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    said = msg("there is nothing at this address") if status == 404 else Message.fixed(str(error))
    return _refusal(request, status, said, error.headers if isinstance(error, HTTPException) else None)
