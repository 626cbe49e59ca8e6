"""Which clips were cut from one track, recognised by their names, so that a split never parts a track."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath

_WORDED = re.compile(r"(?P<stem>.*?)[\s_\-.]+(?:part|chunk|seg|segment|slice|cut)[\s_\-.]*\d{1,5}$", re.IGNORECASE)
_NUMBERED = re.compile(r"(?P<stem>.*?)[\s_\-.]+\d{1,4}$")
_LETTER = re.compile(r"(?P<stem>.*?)(?:[\s_\-.]+|(?<=\d))[a-h]$", re.IGNORECASE)

_MOST_MEMBERS = 8
_MOST_SHARE = 0.25
_FEW = 3


def group_sources(ids: Iterable[str]) -> dict[str, str]:
    """The track each clip was cut from; a clip that shares none is its own source.

    A cut marker at the end of a name (``-1``, ``_2``, ``-a``, ``01a``, `` part 3``, ``_chunk004``) is taken off when at
    least two clips of a folder share what is left: ``beat-1.wav`` and ``beat-2.wav`` come from ``beat``.

    Numbers and letters alone are weak evidence, for ``beat_1 … beat_80`` is a series of 80 beats: a group of more than
    8 clips, or of more than a quarter of all clips (and more than 3), is taken for a series and its clips stay apart.
    The words part, chunk, segment, slice and cut say what they mean, and group any number of clips.
    """
    all_ids = list(ids)
    sources = {clip: str(PurePosixPath(clip).with_suffix("")) for clip in all_ids}
    open_ids = set(all_ids)
    for marker, weak in ((_WORDED, False), (_LETTER, True), (_NUMBERED, True)):
        groups: dict[str, list[str]] = defaultdict(list)
        for clip in all_ids:
            match = marker.fullmatch(PurePosixPath(sources[clip]).name) if clip in open_ids else None
            if match and match["stem"]:
                groups[str(PurePosixPath(clip).parent / match["stem"])].append(clip)
        for stem, members in groups.items():
            series = len(members) > min(_MOST_MEMBERS, max(_FEW, _MOST_SHARE * len(all_ids)))
            if len(members) < 2 or (weak and series):
                continue
            sources.update(dict.fromkeys(members, stem))
            open_ids -= set(members)
    return sources
