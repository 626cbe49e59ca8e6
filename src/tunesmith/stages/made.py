"""Whether the results of a stage that was done are still there, and whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from tunesmith.audio.problems import UnreadableAudioError
from tunesmith.data.sample import read_manifest
from tunesmith.errors import TunesmithError
from tunesmith.records.comparison import Comparison
from tunesmith.records.findings import CheckFindings
from tunesmith.records.generated import GeneratedFiles
from tunesmith.records.record import Record
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder

_GENERATED = "generated.json"
_LAST_WORD = b"</html>"
_Made = TypeVar("_Made", bound=Record)


def lost_result(context: RunContext, stage: str) -> Path | None:
    """The first file of a stage's results that is missing, damaged or empty; ``None`` where all are whole.

    Of encoding and training others take care: the cache has checksums, and training goes on from its checkpoints.
    """
    folder = context.folder
    match stage:
        case "check":
            return _lost_check(folder)
        case "generate":
            return _lost_sound(folder.generated / _GENERATED, GeneratedFiles, lambda made: (f.file for f in made.files))
        case "evaluate":
            return _lost_sound(folder.comparison, Comparison, _compared)
        case "report":
            whole = folder.report.is_file() and folder.report.read_bytes().rstrip().endswith(_LAST_WORD)
            return None if whole else folder.report
    return None


def _lost_check(folder: RunFolder) -> Path | None:
    try:
        found = CheckFindings.read(folder.findings)
    except TunesmithError:
        return folder.findings
    try:
        count = sum(1 for _ in read_manifest(folder.manifest))
    except (TunesmithError, OSError):
        return folder.manifest
    return folder.manifest if count < max(1, found.kept) else None  # it may have been cut between two lines


def _compared(record: Comparison) -> Iterable[str]:
    for prompt in record.prompts:
        sides = (prompt.base, prompt.lora, *(strength.output for strength in prompt.strengths))
        names = (*(side.file for side in sides if side is not None), prompt.reference, prompt.source)
        yield from (name for name in names if name)


def _lost_sound(path: Path, kind: type[_Made], names: Callable[[_Made], Iterable[str]]) -> Path | None:
    """The record, where it is none, else the first sound file that it names and that cannot be read."""
    from tunesmith.audio.decode import read

    try:
        record = kind.read(path)
    except TunesmithError:
        return path
    for name in names(record):
        try:
            read(path.parent / name)
        except (UnreadableAudioError, ValueError):  # a damaged name may be none of a file
            return path.parent / name
    return None
