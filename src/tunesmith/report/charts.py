"""Curves of training as SVG that lives in the page: the page's own fonts and colours, no global plotting state."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeVar

from tunesmith.records.metrics import MetricLine, TrainLine, ValidLine
from tunesmith.report.evaluation_section import random_loss
from tunesmith.report.field_names import loss_term
from tunesmith.report.numbers import loss, number, real
from tunesmith.report.texts import term
from tunesmith.texts import LANGUAGES, NOTHING, Message, msg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from tunesmith.report.gather import ReportData

Points = list[tuple[float, float]]
LineT = TypeVar("LineT", bound=MetricLine)
LossT = TypeVar("LossT", bound=TrainLine | ValidLine)

_MOST_POINTS = 500
_UPDATE, _LOSS = msg("update"), msg("loss")
"""What stands at the axes."""
# Colours are written as these stand-ins and exchanged for CSS variables: dark mode and print need no second chart.
_STAND_INS = {f"#0102{i:02d}": f"var(--line-{i})" for i in range(10)}
_INK, _FAINT = "#010377", "#010388"
_VARIABLES = _STAND_INS | {_INK: "var(--muted)", _FAINT: "var(--rule)"}


@dataclass(frozen=True)
class Chart:
    """One chart: its name, what it shows, the drawing, its legend as (colour number, words), and a note."""

    key: str
    title: Message
    svg: str
    legend: tuple[tuple[int, Message], ...] = ()
    note: Message | None = None


def charts(data: ReportData) -> list[Chart]:
    """Every chart that this run has numbers for, in the order of the page."""
    train, valid = data.metrics.train, data.metrics.valid
    made = [_losses(data, train, valid), _codebooks(valid), _learning_rate(train), _forgetting(valid)]
    return [chart for chart in made if chart is not None]


def series(lines: Sequence[LineT], value_of: Callable[[LineT], float | None]) -> Points:
    """(update, value) of every line whose value is finite, thinned to what a screen can show."""
    points = [(float(line.update), value) for line in lines if (value := real(value_of(line))) is not None]
    return _thin(points)


def stages(lines: Sequence[LossT]) -> list[list[LossT]]:
    """Lines of one training stage after another; all of them where there is but one."""
    return [list(group) for _, group in groupby(lines, key=lambda line: line.stage)]


def best_update(valid: Sequence[ValidLine]) -> ValidLine | None:
    """The held-out measurement that is called best: the last one marked so, else the lowest."""
    measured = [(value, line) for line in valid if (value := real(line.loss)) is not None]
    marked = [line for _, line in measured if line.best]
    return marked[-1] if marked else min(measured, key=lambda pair: pair[0], default=(0.0, None))[1]


def _losses(data: ReportData, train: Sequence[TrainLine], valid: Sequence[ValidLine]) -> Chart | None:
    learnt, held_out = series(train, _loss_of), series(valid, _loss_of)
    if not learnt and not held_out:
        return None
    random = random_loss(data)
    values = [y for _, y in learnt + held_out]
    reach = max(values) + 0.5 * max(max(values) - min(values), 0.2)
    best = best_update(valid)

    def paint(axes: Axes) -> None:
        lines: tuple[Sequence[TrainLine | ValidLine], ...] = (train, valid)
        for index, drawn in enumerate(lines):
            for stage in stages(drawn):
                _line(axes, series(stage, _loss_of), index, width=1.6 * index or 1.0, marker="o" * index)
        for measured in stages(valid)[1:]:  # another stage measures other things: no line leads over
            axes.axvline(float(measured[0].update), color=_INK, linestyle=":", linewidth=1)
        if best is not None and best.loss is not None:
            place = (best.update, best.loss)
            axes.plot([place[0]], [place[1]], marker="o", markersize=10, markerfacecolor="none", **_ring())
            axes.annotate(loss(place[1]), place, (0, 9), textcoords="offset points", ha="center", va="bottom")
        if random is not None and random <= reach:
            axes.axhline(random, color=_INK, linestyle="--", linewidth=1)

    legend = [(i, term("curve", key)) for i, key, points in ((0, "train", learnt), (1, "valid", held_out)) if points]
    title = msg("Loss by update; the ring marks the best held-out loss")
    note = None
    if random is not None:
        drawn = msg("Dashed: a uniform guess.")
        note = drawn if random <= reach else msg("A uniform guess lies above this chart.")
    return Chart("loss", title, _draw(paint, "loss", _LOSS), tuple(legend), note)


def _loss_of(line: TrainLine | ValidLine) -> float | None:
    return line.loss


def _codebooks(valid: Sequence[ValidLine]) -> Chart | None:
    names = sorted({name for line in valid for name in line.terms if "accuracy" not in name}, key=_natural)[:9]
    lines = {name: points for name in names if (points := _term(valid, name))}
    if not lines:
        return None

    def paint(axes: Axes) -> None:
        for index, points in enumerate(lines.values()):
            _line(axes, points, index + 1, marker="o")

    legend = tuple((index + 1, loss_term(name)) for index, name in enumerate(lines))
    title = msg("Held-out loss by codebook or noise level")
    return Chart("codebooks", title, _draw(paint, "codebooks", _LOSS), legend)


def _term(valid: Sequence[ValidLine], name: str) -> Points:
    return series(valid, lambda line: line.terms.get(name))


def _learning_rate(train: Sequence[TrainLine]) -> Chart | None:
    points = series(train, lambda line: line.learning_rate)
    if not points:
        return None
    return Chart("rate", msg("Learning rate"), _draw(lambda axes: _line(axes, points, 0), "rate", NOTHING, tick=number))


def _forgetting(valid: Sequence[ValidLine]) -> Chart | None:
    points = series(valid, lambda line: line.forgetting)
    if not points:
        return None
    title = msg("Loss on base-style prompts; rising means the base's skill is being forgotten")
    return Chart("forgetting", title, _draw(lambda axes: _line(axes, points, 2, marker="o"), "forgetting", _LOSS))


def _thin(points: Points) -> Points:
    """Means of neighbours once there are more points than pixels; the first and the last stay."""
    if len(points) <= _MOST_POINTS:
        return points
    size = -(-(len(points) - 2) // (_MOST_POINTS - 2))
    groups = [points[i : i + size] for i in range(1, len(points) - 1, size)]
    middle = [(sum(x for x, _ in g) / len(g), sum(y for _, y in g) / len(g)) for g in groups]
    return [points[0], *middle, points[-1]]


def _natural(name: str) -> list[tuple[int, int, str]]:
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name) if part]


def _ring() -> dict[str, Any]:
    return {"color": _stand_in(1), "linewidth": 1.5, "markeredgewidth": 1.5}


def _stand_in(index: int) -> str:
    return f"#0102{index:02d}"


def _line(axes: Axes, points: Points, index: int, width: float = 1.6, marker: str = "") -> None:
    # A lone measurement has no line to see, and many markers hide the line they stand on.
    marker = marker if 1 < len(points) <= 40 else "o" if len(points) == 1 else ""
    x, y = [p[0] for p in points], [p[1] for p in points]
    axes.plot(x, y, color=_stand_in(index), linewidth=width, marker=marker, markersize=4, gid=f"line-{index}")


def _draw(paint: Callable[[Axes], None], name: str, unit: Message, tick: Callable[[float], str] | None = None) -> str:
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    style: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": name,
        "font.family": "sans-serif",
        "font.size": 10.5,
    }
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(5.6, 2.9), layout="constrained", facecolor="none")
        canvas = FigureCanvasSVG(figure)
        axes = figure.add_subplot(facecolor="none")
        paint(axes)
        axes.margins(x=0.02, y=0.12)
        axes.grid(color=_FAINT, linewidth=0.7)
        axes.tick_params(colors=_INK, length=0, labelcolor=_INK)
        axes.set_xlabel(str(_UPDATE), color=_INK)
        axes.set_ylabel(str(unit), color=_INK)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
        for text in axes.texts:
            text.set_color(_stand_in(1))
        if tick is not None:
            axes.yaxis.set_major_formatter(lambda value, _: tick(value))
        else:
            axes.ticklabel_format(useOffset=False)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.spines["bottom"].set_color(_FAINT)
        buffer = io.StringIO()
        canvas.print_svg(buffer, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = _for_page(buffer.getvalue(), name)
    for spoken in (_UPDATE, unit):
        svg = svg.replace(f">{spoken}</text>", f">{_in_every_language(spoken)}</text>") if spoken else svg
    return svg


def _in_every_language(text: Message) -> str:
    """What stands within an SVG's text, once per language; the page shows one of them."""
    spoken = ((language, escape(text.render(language))) for language in LANGUAGES)
    return "".join(f'<tspan class="{language}" lang="{language}">{said}</tspan>' for language, said in spoken)


def _for_page(svg: str, name: str) -> str:
    """What is left of a stand-alone SVG once it lives in HTML: no prologue, no name spaces, ids of its own."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", svg).replace("xlink:href", "href")
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\1{name}-", svg)
    svg = re.sub(r'(<svg\b[^>]*?)\swidth="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg\b[^>]*?)\sheight="[^"]*"', r'\1 aria-hidden="true" focusable="false"', svg, count=1)
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.DOTALL)  # it would style the whole page
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", svg)
    for stand_in, variable in _VARIABLES.items():
        svg = svg.replace(stand_in, variable)
    return svg
