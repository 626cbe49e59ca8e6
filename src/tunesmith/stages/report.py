"""The report stage: one page from what the run folder holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder
from tunesmith.texts import msg


def report(context: RunContext) -> dict[str, Any]:
    """Write ``report.html``."""
    from tunesmith.report.build import build_report

    path = build_report(context.folder)
    context.console.log(msg("report: {path}", path=str(path)))
    return {"file": path.name, "bytes": path.stat().st_size}


def report_elsewhere(context: RunContext, out: Path | None) -> None:
    """Write the page outside of the run, into the working directory by default; the run stays as it is.

    Raises:
        TunesmithError: when the page cannot be written.
    """
    from tunesmith.report.build import build_report

    if out is None:
        context.console.warn(msg("{run} cannot be written to; the page is written here", run=str(context.folder.path)))
        out = Path(f"{context.folder.path.resolve().name}-{RunFolder(Path()).report.name}")
    path = build_report(context.folder, page=out / context.folder.report.name if out.is_dir() else out)
    context.console.log(msg("report: {path}", path=str(path)))
