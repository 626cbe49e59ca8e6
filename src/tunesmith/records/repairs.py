"""``repairs.json``: what ``tunesmith check --fix`` did to the copy of each clip, and what it left as it was."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from tunesmith.records.findings import Finding
from tunesmith.records.record import Part, Record, Said


class RepairedClip(Part):
    """One clip that has findings.

    Attributes:
        clip: Its id in the source.
        files: Where its changed audio lies in the copy; none where nothing was changed.
        checks: The checks whose findings are settled.
        done: What was done, in order.
        left: What was found and is left as it is.
        refused: Why a repair was given up.
    """

    clip: str
    files: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    done: tuple[Said, ...] = ()
    left: tuple[Finding, ...] = ()
    refused: tuple[Said, ...] = ()


class RemovedClip(Part):
    """One clip that the copy leaves out.

    Attributes:
        clip: Its id in the source.
        why: What it is a copy of.
        texts: Its texts by role, which go with it.
    """

    clip: str
    why: Said
    texts: dict[str, str] = Field(default_factory=dict)


class Repairs(Record):
    """The whole of ``repairs.json``.

    Attributes:
        source: The folder, or the list, that was copied.
        layout: How clips and texts belong together, in both.
        clips: Every clip that had findings and is in the copy.
        removed: Every clip that the copy leaves out.
        unchanged: Files that were copied byte for byte.
        foreign: Files of the copy that somebody has changed or put there, and that were left alone.
        set_left: Findings about the whole set, which no change of a clip settles.
    """

    FORMAT: ClassVar[int] = 1

    source: str
    layout: str
    clips: tuple[RepairedClip, ...] = ()
    removed: tuple[RemovedClip, ...] = ()
    unchanged: int = 0
    foreign: tuple[str, ...] = ()
    set_left: tuple[Finding, ...] = ()
