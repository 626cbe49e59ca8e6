"""Refusals of the studio that have a status of their own in HTTP."""

from __future__ import annotations

from tunesmith.errors import TunesmithError


class NotThereError(TunesmithError):
    """What was asked for is not there: 404."""


class NotNowError(TunesmithError):
    """It cannot be done in the present state: 409."""
