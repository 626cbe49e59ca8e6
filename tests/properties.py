"""How property tests run here: bounded, and the same examples every time, so that a red test is a finding."""

from __future__ import annotations

from hypothesis import HealthCheck, settings


def bounded(examples: int) -> settings:
    """So many examples, drawn from the test's own name; a slow machine fails nothing."""
    return settings(
        max_examples=examples, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
