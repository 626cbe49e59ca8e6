"""Checks of the user's clips before anything heavy: one file each; each finding has number, limit, remedy."""

from tunesmith.data.checks.catalog import CHECKS
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.data.checks.run_checks import FINAL, CheckReport, run_checks

__all__ = ["CHECKS", "FINAL", "CheckLimits", "CheckReport", "run_checks"]
