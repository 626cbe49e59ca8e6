"""What lies behind a run that went wrong, one cause per file; each is named only where this run's numbers speak."""

from __future__ import annotations

from tunesmith.evaluation.causes.find import find_causes

__all__ = ["find_causes"]
