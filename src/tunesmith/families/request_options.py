"""A request's own options over a family's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from tunesmith.errors import TunesmithError
from tunesmith.texts import msg

Settings = TypeVar("Settings", bound=BaseModel)


def merged(settings: Settings, options: Mapping[str, Any]) -> Settings:
    """A family's settings, overridden by the options of one request.

    Raises:
        TunesmithError: for an option that does not exist or is out of range.
    """
    if not options:
        return settings
    try:
        return type(settings).model_validate({**settings.model_dump(), **options})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise TunesmithError(
            msg("options.{key}: {problem}", key=".".join(map(str, first["loc"])), problem=first["msg"]),
            remedy=msg("See `tunesmith schema`."),
        ) from error
