"""What is measured of a run's clips, kept while it is measured and handed on from folder to folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from tunesmith.data.checks.facts import FactStore, fact_key
from tunesmith.data.sample import Sample
from tunesmith.files import explain_os_error
from tunesmith.run.console import Console
from tunesmith.run.folder import RunFolder
from tunesmith.speech.recordings.facts import SpokenStore
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


def join_facts(samples: Sequence[Sample], sources: Sequence[RunFolder], target: RunFolder) -> None:
    """Add what other folders know of samples to what one knows, in the order in which a check writes it.

    Args:
        samples: Of whom; what is known of others is forgotten.
        sources: Where more is known.
        target: Takes it.
    """
    store = FactStore(target.facts)
    before = store.known()
    measured = dict(before)
    for source in sources:
        for key, found in FactStore(source.facts).known().items():
            if key not in measured or found[0].decoded:  # one may have been told to decode what another was not
                measured[key] = found
    keys = dict.fromkeys(fact_key(ref) for sample in samples for ref in sample.audios.values())
    in_order = sorted((key for key in keys if key in measured), key=lambda key: key not in before)
    store.save({key: measured[key] for key in in_order})

    spoken = SpokenStore(target.facts.with_name(SPOKEN_FACTS))
    heard = dict(spoken.known)
    for source in sources:
        heard |= SpokenStore(source.facts.with_name(SPOKEN_FACTS)).known
    targets = dict.fromkeys(fact_key(sample.target) for sample in samples if sample.target is not None)
    spoken.save({key: heard[key] for key in targets if key in heard})
