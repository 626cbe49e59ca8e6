"""The page that shows runs or checkpoints side by side."""

from __future__ import annotations

from tunesmith.records.runs_compared import ComparedRun, RunsCompared
from tunesmith.report.numbers import UNKNOWN, loss, number, real
from tunesmith.report.page import printable, render_page
from tunesmith.texts import Message, msg

Cell = Message | str


def build_compared(found: RunsCompared) -> str:
    """The page as text, in every language; one file that needs nothing beside it."""
    view = {
        "title": msg("Runs side by side"),
        "choice": found.choice,
        "notes": found.notes,
        "columns": [run.name for run in found.runs],
        "keep": found.choice.name,
        "rows": [(title, [cell(run) for run in found.runs]) for title, cell in _ROWS],
    }
    raw = {"style": ["style.css"], "script": ["language.js"]}
    return printable(render_page("compared/page.html.j2", raw, view))


def _signed(value: float | None) -> str:
    known = real(value)
    return UNKNOWN if known is None else f"{known:+.3f}"


def _share(value: float | None) -> str:
    known = real(value)
    return UNKNOWN if known is None else f"{number(100 * known)} %"


def _said(messages: tuple[Message, ...]) -> Cell:
    return msg("{all}", all=messages) if messages else UNKNOWN


def _faults(run: ComparedRun) -> Cell:
    return msg("{flagged} of {outputs}", flagged=number(run.flagged), outputs=number(run.outputs))


_ROWS = (
    (msg("Held-out loss of the base"), lambda run: loss(run.base_loss)),
    (msg("Held-out loss with the adapter"), lambda run: loss(run.loss)),
    (msg("Rise of the loss on other styles"), lambda run: _signed(run.forgetting)),
    (msg("Kernel distance to your clips"), lambda run: number(run.distance)),
    (msg("How far the weights move"), lambda run: _share(run.moved)),
    (msg("Outputs with faults"), _faults),
    (msg("Broken"), lambda run: _said(run.broken)),
    (msg("Why"), lambda run: _said(run.causes)),
)
