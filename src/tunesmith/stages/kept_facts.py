"""What is measured of a new run's clips, kept while it is measured and handed on to the run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tunesmith.files import explain_os_error
from tunesmith.run.console import Console
from tunesmith.run.folder import RunFolder
from tunesmith.stages.survey import SPOKEN_FACTS
from tunesmith.texts import msg


@contextmanager
def measuring_place(run: RunFolder, console: Console) -> Iterator[RunFolder]:
    """A folder beside a run that is to be, for what is measured of its clips; it is gone in the end.

    A command that is stopped or killed leaves it, so that the next one for the same run goes on from there.

    Raises:
        TunesmithError: when it cannot be made.
    """
    root = run.path.parent
    place = root / f".{run.path.name}.new"
    existed = root.exists()
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain_os_error(error, place) from error
    try:
        yield RunFolder(place)
    except KeyboardInterrupt:
        console.log(msg("what was measured so far is kept; the same command goes on from there"))
        raise
    except Exception:
        shutil.rmtree(place, ignore_errors=True)
        if not existed:
            with suppress(OSError):
                root.rmdir()
        raise
    shutil.rmtree(place, ignore_errors=True)


def keep_facts(measured: RunFolder, run: RunFolder) -> None:
    """Keep what was measured of every file for ``check``: facts, fingerprints, and what was heard of speech."""
    spoken = measured.facts.with_name(SPOKEN_FACTS)
    for path in (measured.facts, measured.facts.with_suffix(".npz"), spoken):
        if path.exists():
            run.facts.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, run.facts.with_name(path.name))
