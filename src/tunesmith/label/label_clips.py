"""Label a folder clip by clip; each label is written as soon as it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tunesmith.data.labels import FILE, Label, LabelStore
from tunesmith.data.layouts import read_layout
from tunesmith.errors import TunesmithError
from tunesmith.label.clips import clips_of
from tunesmith.label.make import Labeler
from tunesmith.label.provider import ListeningModel
from tunesmith.label.work import LabelStats, LabelWork
from tunesmith.run.console import Console
from tunesmith.texts import Message, msg


def label_folder(
    folder: Path,
    listener: ListeningModel | None,
    system: str,
    *,
    limit: int | None = None,
    overwrite: bool = False,
    parallel: int = 1,
    console: Console | None = None,
) -> LabelStats:
    """Label the clips of a folder that have no usable label of this provider, prompt and model.

    Each label is on the disk before the next clip is begun, so that an interruption costs at most the clips in work.

    Args:
        folder: In any layout.
        listener: The model to ask; ``None`` measures only.
        system: The instruction that goes with every clip.
        limit: Label at most so many clips now.
        overwrite: Replace tag files that the user wrote, too.
        parallel: How many clips are in work at once; the listener must allow it.
        console: Prints lines and progress; a new one by default.

    Raises:
        TunesmithError: for a folder that cannot be read or written, and for a listener that answers nothing at all.
    """
    console = console or Console()
    layout = read_layout(folder)
    store = LabelStore(folder)
    clips = clips_of(layout, store, overwrite=overwrite)
    for problem in layout.problems:
        console.warn(msg("{clip}: {said}", clip=problem.clip, said=problem.with_remedy()))
    stats = LabelStats()
    work = LabelWork(Labeler(listener, system), store, stats, limit, overwrite, parallel, console)
    try:
        with console.progress(msg("label the clips"), len(clips)) as advance:
            for clip in clips:
                advance(0, clip.id)
                advance(work.process(clip))
            advance(work.finish())
    except (KeyboardInterrupt, TunesmithError):
        work.keep_answered()
        kept = msg(
            "{count} labels are kept in {path}; the same command goes on from there",
            count=sum(label.status == "ok" for label in store.best().values()),
            path=str(store.path),
        )
        console.log(kept)
        raise
    finally:
        work.close()
    _log_summary(stats, layout.caption_files, store.path, console)
    return stats


def _log_summary(stats: LabelStats, caption_files: Mapping[str, Path], path: Path, console: Console) -> None:
    console.log(_labelled(stats, path))
    if stats.written:
        console.log(
            msg(
                "tags: {count} text files written beside the clips; edit them as you like, they stay yours",
                count=stats.written,
            )
        )
    if stats.left:
        console.log(
            msg("tags: {count} text files of your own left as they are (--overwrite replaces them)", count=stats.left)
        )
    if stats.usable and not caption_files:
        console.log(
            msg(
                "tags: this set lists its captions in one file, which stays yours; new tags are in {file} only",
                file=FILE,
            )
        )
    if stats.waiting:
        console.log(msg("{count} clips are left for the next time (--limit)", count=stats.waiting))
    review = [label for label in stats.unusable if label.status == "needs_review"]
    if review:
        console.warn(msg("{count} clips need a look; the same command tries them again:", count=len(review)))
    _log_reasons(review, console)
    failed = [label for label in stats.unusable if label.status == "failed"]
    if failed:
        console.warn(msg("{count} clips could not be labelled; the same command tries them again:", count=len(failed)))
    _log_reasons(failed, console)


def _labelled(stats: LabelStats, path: Path) -> Message:
    if not stats.known:
        return msg("labelled: {count} clips; all labels are in {path}", count=stats.made, path=str(path))
    return msg(
        "labelled: {count} clips, {known} had been before; all labels are in {path}",
        count=stats.made,
        known=stats.known,
        path=str(path),
    )


def _log_reasons(labels: Sequence[Label], console: Console) -> None:
    for label in labels:
        console.log(msg("  {clip}: {reason}", clip=label.id, reason=label.reason))
