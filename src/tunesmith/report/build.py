"""The report: one page that works from a file, offline, made of nothing but the run folder."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from markupsafe import Markup

from tunesmith import __version__
from tunesmith.files import write_text
from tunesmith.report import dataset, evaluation_section, sound_section, summary, training_section
from tunesmith.report.audio_section import AudioSection, audible, build_audio_section
from tunesmith.report.charts import charts
from tunesmith.report.choice_section import choices
from tunesmith.report.gather import ReportData, gather
from tunesmith.report.listening_section import listening_section
from tunesmith.report.media import AudioEmbedder, fits
from tunesmith.report.numbers import UNKNOWN, number
from tunesmith.report.page import printable, render_page
from tunesmith.report.pictures import Picture
from tunesmith.report.strength_section import strength_section
from tunesmith.report.texts import SECTIONS, term
from tunesmith.run.folder import RunFolder
from tunesmith.texts import Message, msg


def build_report(folder: RunFolder, *, embed: bool = True, page: Path | None = None) -> Path:
    """Write ``report.html`` from what the run folder holds; every part of it may be missing.

    Args:
        folder: The run folder, or a folder with an evaluation alone.
        embed: Put the audio into the page when it is small enough (about 12 MB); else players link to the files.
        page: Another place than the run folder; links to files would be broken there, so all audio is put in.

    Returns:
        The path of the page.

    Raises:
        TunesmithError: when the folder is missing or cannot be written to.
    """
    data = gather(folder)
    files = audible(data)
    embed = embed and (page is not None or fits(files))
    embedder = AudioEmbedder(folder.path, embed=embed, pictures=len(files))
    target = page or folder.report
    write_text(target, printable(render(data, embedder)))
    return target


def render(data: ReportData, embedder: AudioEmbedder) -> str:
    """The page as text, in every language that has a catalogue."""
    raw = {"style": ("style.css",), "script": ("language.js", "script.js")}
    return render_page("page.html.j2", raw, _helpers() | _view(data, embedder))


def _helpers() -> dict[str, Any]:
    return {
        "term": term,
        "number": number,
        "picture_words": _picture_words,
        "play_words": lambda what: msg("Play {what}", what=what),
        "sound_words": lambda name: msg("Strength {name}", name=name),
        "strength_words": msg("Strength of the adapter"),
        "unknown": UNKNOWN,
        "step_words": lambda update: msg("Update {n}", n=number(update)),
        "titles": SECTIONS,
    }


def _picture_words(picture: Picture) -> Message:
    return msg(
        "Spectrogram over {seconds} s and loudness from {low} to {high} LUFS",
        seconds=number(round(picture.seconds, 1)),
        low=number(round(picture.quietest, 1)),
        high=number(round(picture.loudest, 1)),
    )


def _view(data: ReportData, embedder: AudioEmbedder) -> dict[str, Any]:
    audio = build_audio_section(data, embedder)
    comparison, known = data.comparison, data.environment
    return {
        "name": data.name(),
        "sections": _sections(data, audio),
        "contents": msg("Contents"),
        "title": msg("Report on {name}", name=data.name()),
        "version": __version__,
        "when": time.strftime("%Y-%m-%d %H:%M"),
        "problems": data.problems,
        "unfinished": summary.unfinished(data),
        "verdict": summary.verdict(data),
        "state": summary.state(data),
        "cards": summary.cards(data),
        "audio": audio,
        "strengths": strength_section(data, audio),
        "embedded": embedder.embed,
        "listening": listening_section(data),
        "settings": comparison.settings if comparison else None,
        "findings": evaluation_section.findings(data),
        "evidence": evaluation_section.evidence,
        "features": [(f, *evaluation_section.direction(f)) for f in (comparison.features if comparison else ())],
        "edit_types": evaluation_section.edit_types(data),
        "edit_notes": evaluation_section.edit_notes(data),
        "losses": evaluation_section.loss_rows(data),
        "sound": sound_section.sound_rows(data),
        "random": evaluation_section.random_loss(data),
        "codec": evaluation_section.codec_rows(data),
        "done": training_section.done(data),
        "events": [event for event in data.metrics.events if event.name != "saved"],
        "gates": data.metrics.gates,
        "choices": choices(data),
        "charts": [(chart, Markup(chart.svg)) for chart in charts(data)],
        "data": data.findings,
        "data_rows": dataset.data_rows(data),
        "data_notes": dataset.notes(data),
        "quarantined": dataset.quarantined(data),
        "checks": dataset.check_groups(data),
        "recipe": data.recipe_text,
        "environment": training_section.environment_rows(data),
        "plan": training_section.plan_rows(data),
        "stages": training_section.stage_rows(data),
        "code": training_section.load_code(data),
        "licence": known.model.licence if known else None,
    }


def _sections(data: ReportData, audio: AudioSection) -> list[str]:
    """Sections that have something to show; the verdict, the data and the recipe always stand."""
    wanted = {
        "verdict": True,
        "listen": bool(audio.rows),
        "strength": any(row.strengths for row in audio.rows),
        "listening": data.listening is not None,
        "findings": data.comparison is not None,
        "done": bool(data.recipe or data.metrics),
        "curves": bool(data.metrics),
        "previews": bool(audio.grid.steps),
        "data": True,
        "codec": data.comparison is not None and data.comparison.codec is not None,
        "recipe": True,
    }
    return [key for key, has in wanted.items() if has]
