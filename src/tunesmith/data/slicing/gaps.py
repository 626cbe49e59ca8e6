"""The places at which a recording may be cut, each with what a cut there costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tunesmith.audio.measure.beats import bar_lines, on_the_beat, steady_tempo, track_beats
from tunesmith.audio.measure.novelty import section_changes
from tunesmith.data.slicing.heard import HARMONY_TIMES, HOP_S, Heard
from tunesmith.data.slicing.voice import Pause

Way = Literal["silence", "bars", "sections"]
"""Where recordings are cut."""
Place = Literal["end", "pause", "bar", "section", "quiet"]
"""What a cut lies at; ``quiet`` is the quietest moment near, where nothing better is in reach."""
BEAT_CONFIDENCE = 0.3
"""From here on a beat is trusted; beatless music and speech stay under it."""
_MARGIN_S = 0.2
"""Silence that a clip keeps at a pause."""
_KEPT_END_S = 0.5
"""Silence at an end of the recording that is not worth a cut."""
_LEAST_SILENCE_S = 1.0
_COST: dict[Place, float] = {"end": 0.0, "pause": 0.0, "bar": 0.0, "section": 0.0, "quiet": 4.0}
_BAR_INSIDE_SECTION = 1.0
_SHORT_PAUSE = 0.6
_BEFORE_S, _AFTER_S = 0.02, 0.01


@dataclass(frozen=True)
class Gap:
    """A place to cut: a clip may end at ``stop`` and the next one begin at ``start``; what lies between is dropped.

    Attributes:
        stop: Seconds.
        start: Seconds, not before ``stop``.
        place: What it lies at.
        cost: Of a cut here.
    """

    stop: float
    start: float
    place: Place
    cost: float = 0.0


@dataclass(frozen=True)
class Cuttable:
    """Where a recording may be cut, and what was found of it.

    Attributes:
        gaps: In order; the first and last are its ends.
        way: How the places were found.
        tempo: Beats per minute, where there is a clear beat.
    """

    gaps: tuple[Gap, ...]
    way: Way
    tempo: float | None = None


def cuttable(heard: Heard, pauses: Sequence[Pause], way: Way | None, longest: float) -> Cuttable:
    """Find the places for cuts.

    Args:
        heard: The recording.
        pauses: Its pauses, its ends among them.
        way: Where to cut; ``None`` decides: at bars where the beat is clear, at pauses where there are enough, else
            at section changes.
        longest: Seconds of a clip at most; where no place is within reach, the quietest moments are added.
    """
    tempo, confidence, period = steady_tempo(heard.onset, HOP_S)
    has_beat = confidence >= BEAT_CONFIDENCE
    if way is None:
        way = "bars" if has_beat else "silence" if _pauses_enough(pauses, longest) else "sections"
    silences = [pause for pause in pauses if way == "silence" or pause[1] - pause[0] >= _LEAST_SILENCE_S]
    inner = [pause for pause in silences if pause[0] > 0 and pause[1] < heard.seconds]
    gaps = [_at_pause(pause, way) for pause in inner]
    if way != "silence" and np.isfinite(period).all() and len(period):
        bars = [_just_before(heard, bar * HOP_S) for bar in _bars(heard, period)]
        changes = section_changes(heard.sections) if way == "sections" else []
        if has_beat and changes:
            changes = [min(bars, key=lambda bar: abs(bar - change)) for change in changes if bars]
        gaps += _lines(bars if has_beat or way == "bars" else [], changes, way)
    gaps = _without_overlap([_first(pauses), *sorted(gaps, key=lambda gap: gap.stop), _last(pauses, heard.seconds)])
    gaps = _with_quiet(gaps, heard, longest)
    return Cuttable(tuple(gaps), way, tempo if has_beat else None)


def _pauses_enough(pauses: Sequence[Pause], longest: float) -> bool:
    """Whether hardly any stretch without a pause is longer than a clip may be."""
    ends = [end for _, end in pauses[:-1]]
    starts = [start for start, _ in pauses[1:]]
    lengths = [start - end for start, end in zip(starts, ends, strict=True)]
    return sum(lengths) > 0 and sum(length for length in lengths if length > longest) <= 0.1 * sum(lengths)


def _bars(heard: Heard, period: np.ndarray) -> np.ndarray:
    beats = on_the_beat(track_beats(heard.onset, period), period, heard.harmony, HARMONY_TIMES)
    return bar_lines(beats, heard.low_onset, HOP_S)


def _first(pauses: Sequence[Pause]) -> Gap:
    silence = pauses[0][1]
    return Gap(0.0, silence - _MARGIN_S if silence > _KEPT_END_S else 0.0, "end")


def _last(pauses: Sequence[Pause], seconds: float) -> Gap:
    silence = seconds - pauses[-1][0]
    return Gap(pauses[-1][0] + _MARGIN_S if silence > _KEPT_END_S else seconds, seconds, "end")


def _at_pause(pause: Pause, way: Way) -> Gap:
    begin, end = pause
    margin = min(_MARGIN_S, (end - begin) / 2)
    short = _SHORT_PAUSE - min(end - begin, _SHORT_PAUSE)
    return Gap(begin + margin, end - margin, "pause", _COST["pause"] + (short if way == "silence" else 0.0))


def _lines(bars: Sequence[float], changes: Sequence[float], way: Way) -> Iterator[Gap]:
    for change in sorted(set(changes)):
        yield Gap(change, change, "section")
    for bar in bars:
        if bar not in changes:
            yield Gap(bar, bar, "bar", _BAR_INSIDE_SECTION if way == "sections" else _COST["bar"])


def _just_before(heard: Heard, seconds: float) -> float:
    """The quietest hundredth of a second at a line, so that the cut comes before the note that begins there."""
    first, last = round((seconds - _BEFORE_S) / HOP_S), round((seconds + _AFTER_S) / HOP_S)
    first = max(0, first)
    part = heard.level_db[first : last + 1]
    return float((first + int(part.argmin())) * HOP_S) if len(part) else seconds


def _without_overlap(gaps: Sequence[Gap]) -> list[Gap]:
    """The gaps without those that lie in another one, such as bars in a silence."""
    kept: list[Gap] = []
    for gap in gaps:
        if not kept or gap.stop >= kept[-1].start + HOP_S:
            kept.append(gap)
        elif gap.place == "end":
            if len(kept) > 1:
                kept.pop()
            kept.append(gap)
    return kept


def _with_quiet(gaps: Sequence[Gap], heard: Heard, longest: float) -> list[Gap]:
    """The gaps, with quiet moments in every stretch that is longer than a clip may be."""
    found = [gaps[0]]
    for gap in gaps[1:]:
        length = gap.stop - found[-1].start
        if length > longest:
            step = longest / 6
            begin = found[-1].start
            for centre in np.arange(begin + step, gap.stop - step / 2, step):
                quiet = _quietest(heard, centre - step / 3, centre + step / 3)
                found.append(Gap(quiet, quiet, "quiet", _COST["quiet"]))
        found.append(gap)
    return found


def _quietest(heard: Heard, begin: float, end: float) -> float:
    first, last = round(begin / HOP_S), round(end / HOP_S)
    part = np.convolve(heard.level_db[first:last], np.ones(5) / 5, mode="same")
    return float((first + int(part[2:-2].argmin()) + 2) * HOP_S) if len(part) > 4 else begin
