"""The report: one page that works from a file, offline, made of nothing but the run folder."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from markupsafe import Markup

from tunesmith import __version__
from tunesmith.files import write_text
from tunesmith.report import dataset, summary
from tunesmith.report import evaluation_section as outcome
from tunesmith.report import training_section as story
from tunesmith.report.audio_section import Listening, audible, listening
from tunesmith.report.charts import charts
from tunesmith.report.gather import ReportData, deep, gather, records
from tunesmith.report.media import AudioEmbedder, fits
from tunesmith.report.numbers import number
from tunesmith.report.pictures import Picture
from tunesmith.report.texts import Both, both, say, signal, word
from tunesmith.run.folder import RunFolder

# Control characters and lone surrogates, which no HTML file may hold; a caption may hold anything.
_UNPRINTABLE = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def build_report(folder: RunFolder, *, embed: bool = True) -> Path:
    """Write ``report.html`` from what the run folder holds; every part of it may be missing.

    Args:
        folder: The run folder, or a folder with an evaluation alone.
        embed: Put the audio into the page when it is small enough (about 12 MB); else players link to the files.

    Returns:
        The path of the page.

    Raises:
        TunesmithError: when the folder is missing or cannot be written to.
    """
    material = gather(folder)
    shelf = AudioEmbedder(folder.path, embed=embed and fits(audible(material)))
    write_text(folder.report, _UNPRINTABLE.sub("\ufffd", render(material, shelf)))
    return folder.report


def render(material: ReportData, shelf: AudioEmbedder) -> str:
    """The page as text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("tunesmith.report", "templates")
    page = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    # The page's style and script are no templates: their braces are their own.
    raw = {name: Markup(loader.get_source(page, name)[0]) for name in ("style.css", "script.js")}
    view = _helpers() | _view(material, shelf)
    return page.get_template("page.html.j2").render(**view, style=raw["style.css"], script=raw["script.js"])


def _helpers() -> dict[str, Any]:
    return {
        "t": _t,
        "words": show,
        "label": _label,
        "both": both,
        "word": word,
        "signal": signal,
        "number": number,
        "picture_words": _picture_words,
        "play_words": _play_words,
        "step_words": _step_words,
    }


def show(text: Both | None) -> Markup:
    """Words in both languages; the page shows one of them."""
    if text is None:
        return Markup("")
    if text.en == text.zh:
        return Markup("<bdi>{}</bdi>").format(text.en)
    return Markup('<span class="en" lang="en">{}</span><span class="zh" lang="zh">{}</span>').format(*text)


def _t(key: str, **values: Any) -> Markup:
    return show(say(key, **values))


def _label(text: Both) -> Markup:
    """Attributes that name an element aloud; the page's script changes the language."""
    return Markup('aria-label="{}" data-en="{}" data-zh="{}"').format(text.en, text.en, text.zh)


def _picture_words(picture: Picture) -> Both:
    numbers = {"seconds": picture.seconds, "low": picture.quietest, "high": picture.loudest}
    return say("picture_of", **{name: number(round(value, 1)) for name, value in numbers.items()})


def _play_words(what: Both) -> Both:
    return Both(say("play", what=what.en).en, say("play", what=what.zh).zh)


def _view(material: ReportData, shelf: AudioEmbedder) -> dict[str, Any]:
    heard = listening(material, shelf)
    settings = (material.comparison or {}).get("settings")
    features = records((material.comparison or {}).get("features"))
    return {
        "name": material.name(),
        "sections": _sections(material, heard),
        "contents": say("contents"),
        "title": say("title", name=material.name()),
        "version": __version__,
        "when": time.strftime("%Y-%m-%d %H:%M"),
        "problems": material.problems,
        "verdict": summary.verdict(material),
        "state": summary.state(material),
        "cards": summary.cards(material),
        "heard": heard,
        "embedded": shelf.embed,
        "settings": settings if isinstance(settings, dict) else {},
        "findings": outcome.findings(material),
        "evidence": outcome.evidence,
        "features": [(feature, outcome.feature_name(feature), *outcome.direction(feature)) for feature in features],
        "edit_types": outcome.edit_types(material),
        "edit_notes": outcome.edit_notes(material),
        "losses": outcome.loss_rows(material),
        "random": outcome.random_loss(material),
        "codec": outcome.codec_rows(material),
        "done": story.done(material),
        "events": [event for event in material.lines("event") if event.get("name") != "saved"],
        "gates": material.lines("gate"),
        "charts": [(chart, Markup(chart.svg), _legend(chart.legend)) for chart in charts(material)],
        "data": material.findings,
        "data_rows": dataset.data_rows(material),
        "data_notes": dataset.notes(material),
        "quarantined": dataset.quarantined(material),
        "checks": dataset.check_groups(material),
        "recipe": material.recipe_text,
        "environment": list(story.flat(material.environment)),
        "plan": list(story.flat(material.plan)),
        "stages": story.stage_rows(material),
        "code": story.load_code(material),
        "licence": deep(material.environment, "licence", "license"),
    }


def _sections(material: ReportData, heard: Listening) -> list[str]:
    """Sections that have something to show; the verdict, the data and the recipe always stand."""
    comparison = material.comparison or {}
    wanted = {
        "verdict": True,
        "listen": bool(heard.rows),
        "findings": bool(material.comparison),
        "done": bool(material.recipe or material.metrics),
        "curves": bool(material.metrics),
        "previews": bool(heard.grid.steps),
        "data": True,
        "codec": isinstance(comparison.get("codec"), dict),
        "recipe": True,
    }
    return [key for key, has in wanted.items() if has]


def _step_words(update: Any) -> Both:
    return say("step", n=number(update))


def _legend(entries: tuple[tuple[int, str], ...]) -> list[tuple[int, Markup]]:
    """Names of curves: some are in the catalogue, some (codebooks) are names of their own."""
    return [(colour, show(word("curve", name))) for colour, name in entries]
