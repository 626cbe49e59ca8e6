"""The pages: frames in the reader's language, which the scripts fill from the API."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from tunesmith.studio.api.context import LANGUAGE_COOKIE, Language, StudioPart
from tunesmith.studio.jobs.verbs import run_folder
from tunesmith.studio.sentences import SENTENCES
from tunesmith.texts import LANGUAGE_NAME, LANGUAGES, Message

router = APIRouter(include_in_schema=False)


@cache
def _templates() -> Environment:
    loader = PackageLoader("tunesmith.studio", "templates")
    return Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)


def error_page(request: Request, said: str, status: int, language: str) -> HTMLResponse:
    """A page that says why there is no other."""
    answer = _page(request, "error.html.j2", language, said=said)
    answer.status_code = status
    return answer


def _page(request: Request, template: str, language: str, **view: Any) -> HTMLResponse:
    html = (
        _templates()
        .get_template(template)
        .render(
            tr=lambda text, **values: Message(text, values).render(language),
            language=language,
            languages=[(name, LANGUAGE_NAME.render(name)) for name in LANGUAGES],
            path=request.url.path,
            **view,
        )
    )
    answer = HTMLResponse(html)
    if request.query_params.get("language") in LANGUAGES:
        answer.set_cookie(LANGUAGE_COOKIE, language, max_age=31_536_000, samesite="strict", httponly=True)
    return answer


@router.get("/")
def runs_page(request: Request, language: Language) -> HTMLResponse:
    """Every run."""
    return _page(request, "runs.html.j2", language)


@router.get("/runs/{name}")
def run_page(name: str, request: Request, studio: StudioPart, language: Language) -> HTMLResponse:
    """One run."""
    run_folder(studio.runs, name)
    return _page(request, "run.html.j2", language, run=name)


@router.get("/jobs")
def jobs_page(request: Request, language: Language) -> HTMLResponse:
    """The queues."""
    return _page(request, "jobs.html.j2", language)


@router.get("/sentences")
def sentences(language: Language) -> JSONResponse:
    """What the scripts say."""
    return JSONResponse({name: message.render(language) for name, message in SENTENCES.items()})
