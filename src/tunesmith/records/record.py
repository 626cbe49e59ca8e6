"""The base of every record: a typed model of what lies on disk, with a format version and a migration."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, ValidationError

from tunesmith.errors import TunesmithError, message_of
from tunesmith.files import DamagedFileError, read_json, write_json
from tunesmith.texts import Message, msg

Number = float | int | None
"""A measured number; ``None`` where it could not be measured."""
Said = Annotated[
    Message,
    BeforeValidator(lambda value: value if isinstance(value, Message) else Message.from_json(value)),
    PlainSerializer(lambda message: message.to_json()),
]
"""A :class:`Message` as a field of a record; texts and pairs of languages from before are read too."""


class Part(BaseModel):
    """A part of a record: fields of fixed names that cannot be changed; its version is that of the record."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def to_json(self) -> dict[str, Any]:
        """Plain data; a number that could not be measured is ``None``."""
        plain: dict[str, Any] = without_nan(self.model_dump(mode="json"))
        return plain


class Record(Part):
    """What a file of a run folder holds.

    A subclass raises :attr:`FORMAT` when the meaning or name of a field changes, and says in :meth:`migrate` how a
    file of an earlier version becomes one of the present. Files without a version are those from before there was one:
    version 0.
    """

    FORMAT: ClassVar[int] = 1

    @classmethod
    def migrate(cls, data: dict[str, Any], version: int) -> dict[str, Any]:
        """The data of a file of an earlier version as the present one has it."""
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any], where: Path | str = "") -> Self:
        """A record from the data of its file, of this version or an earlier one.

        Raises:
            TunesmithError: when the data are of a later version, or are no such record.
        """
        if not isinstance(data, Mapping):
            raise damaged(msg("it holds no object"), where)
        values = dict(data)
        version = values.pop("format", 0)
        if not isinstance(version, int) or version > cls.FORMAT:
            raise TunesmithError(
                msg(
                    "this file is of format {version}, and this version of Tunesmith knows format {format}",
                    version=version,
                    format=cls.FORMAT,
                ),
                where=str(where) or None,
                remedy=msg("Update Tunesmith."),
            )
        try:
            return cls.model_validate(cls.migrate(values, version) if version < cls.FORMAT else values)
        except ValidationError as error:
            detail = error.errors(include_url=False)[0]
            key = ".".join(map(str, detail["loc"]))
            said = validation_message(detail)
            raise damaged(msg("{where}: {said}", where=key, said=said) if key else said, where) from error
        except (TypeError, ValueError, LookupError, AttributeError) as error:  # a migration met what it does not know
            raise damaged(message_of(error), where) from error

    def to_json(self) -> dict[str, Any]:
        """Plain data for the file, with its version first."""
        return {"format": self.FORMAT, **super().to_json()}

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the record that a file holds.

        Raises:
            TunesmithError: when the file cannot be read or is no such record.
        """
        return cls.from_json(read_json(path), path)

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        write_json(path, self.to_json())


def validation_message(detail: Mapping[str, Any]) -> Message:
    """What one entry of pydantic's ``errors()`` says: pydantic's text, or the message of a ``ValueError`` of ours."""
    cause = detail.get("ctx", {}).get("error")
    return message_of(cause) if isinstance(cause, ValueError) else Message.fixed(str(detail["msg"]))


def damaged(reason: Message, where: Path | str) -> DamagedFileError:
    """What is raised of a file that is no such record."""
    return DamagedFileError(
        msg("this file is damaged: {reason}", reason=reason),
        where=str(where) or None,
        remedy=msg("Do the stage that writes it again."),
    )


def without_nan(value: Any) -> Any:
    """The same nested value with every NaN or infinity replaced by ``None``, as JSON wants."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
