"""The course of a run as a picture, beside the previews of the same update."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tunesmith.files import atomic_path
from tunesmith.records.metrics import TrainLine, ValidLine
from tunesmith.run.folder import RunFolder


def draw_curves(folder: RunFolder, update: int) -> Path | None:
    """Draw training and held-out loss, and the learning rate, so far into ``previews/step-N/curves.png``.

    Returns:
        The picture; ``None`` before the first line of training loss.
    """
    train, valid = list(folder.read_metrics(TrainLine)), list(folder.read_metrics(ValidLine))
    if not train:
        return None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(8.0, 5.0), layout="constrained")
    losses, rates = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    losses.plot(*_points((line.update, line.loss) for line in train), linewidth=1.0, label="training loss")
    losses.plot(*_points((line.update, line.loss) for line in valid), marker="o", markersize=4, label="held-out loss")
    losses.set_ylabel("loss")
    losses.legend()
    rates.plot(*_points((line.update, line.learning_rate) for line in train), color="tab:gray")
    rates.set_ylabel("learning rate")
    rates.set_xlabel("update")
    rates.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in (losses, rates):
        axes.grid(alpha=0.3)
    picture = folder.previews / f"step-{update:06d}" / "curves.png"
    with atomic_path(picture) as temporary:
        FigureCanvasAgg(figure).print_png(temporary)
    return picture


def _points(measured: Iterable[tuple[int, float | None]]) -> tuple[list[int], list[float]]:
    """Updates and values, without those that were not finite."""
    known = [(update, value) for update, value in measured if value is not None]
    return [update for update, _ in known], [value for _, value in known]
