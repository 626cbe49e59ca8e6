"""The report stage: one page from what the run folder holds."""

from __future__ import annotations

from typing import Any

from tunesmith.run.context import RunContext
from tunesmith.texts import msg


def report(context: RunContext) -> dict[str, Any]:
    """Write ``report.html``."""
    from tunesmith.report.build import build_report

    path = build_report(context.folder)
    context.console.log(msg("report: {path}", path=str(path)))
    return {"file": path.name, "bytes": path.stat().st_size}
