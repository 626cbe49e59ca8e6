"""Whether the distance of outputs to someone's clips tells one game's music from another's."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from debian import files_of
from ears_cases.embeddings import EMBEDDINGS
from tunesmith.evaluation.diagnosis import RunData
from tunesmith.evaluation.diagnosis.distance import judge
from tunesmith.evaluation.sound.distance import Distance, kernel_distance, standardised
from tunesmith.records.sound_comparison import SetDistance, SoundComparison

GAMES = ("colobot-common-sounds", "freedroidrpg-data", "supertux-data")
"""Games on whose music nothing was fitted."""
REFERENCE, OUTPUTS = 12, (4, 8)
_SECONDS, _LEAST_TRACK_S, _CROPS, _LEAST_RMS = 12.0, 40.0, 48, 0.01
_NULLS, _PAIRS = 45, 15
Vectors = NDArray[np.float64]


@dataclass(frozen=True)
class Draw:
    """Which crops stand for outputs of the base, outputs with the adapter, and someone's own clips: (game, crop)."""

    base: tuple[tuple[str, int], ...]
    adapter: tuple[tuple[str, int], ...]
    reference: tuple[tuple[str, int], ...]


def measure_music(cache: Path, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Share found and false calls by number of outputs and by what the distance is told from."""
    heard = {game: _vectors(game, cache) for game in GAMES}
    figures: dict[str, Any] = {"crops": {game: len(next(iter(heard[game].values()))) for game in GAMES}}
    for count in OUTPUTS:
        counts = {game: figures["crops"][game] for game in GAMES}
        cases = {
            "falsely called": _nulls(counts, count),
            "another game's": _moved(counts, count, count),
            "half of them": _moved(counts, count, count // 2),
        }
        for name, draws in cases.items():
            for by in EMBEDDINGS:
                called = [_called(draw, heard, EMBEDDINGS[by]) for draw in draws]
                wanted = sum(each is not None for each in called) if "false" in name else called.count("better")
                figures.setdefault(str(count), {}).setdefault(name, {})[by] = {"called": wanted, "of": len(draws)}
                say(f"{count} outputs, {name}, {by}: {wanted} of {len(draws)}")
    return figures


def _vectors(game: str, cache: Path) -> dict[str, list[Vectors]]:
    """The windows of every crop by every embedding, kept in the cache."""
    found: dict[str, list[Vectors]] = {}
    for name in sorted({name for names in EMBEDDINGS.values() for name in names}):
        path = cache / "ears" / "music" / f"{game}.{name}.npz"
        if not path.exists():
            from ears_cases.embeddings import embedding

            path.parent.mkdir(parents=True, exist_ok=True)
            embed = embedding(name)
            np.savez(path, *[embed(*crop) for crop in _crops(game, cache)])
        with np.load(path) as known:
            found[name] = [known[f"arr_{number}"] for number in range(len(known.files))]
    return found


def _crops(game: str, cache: Path) -> list[tuple[np.ndarray, int]]:
    """Crops (N, C) of 12 s that do not overlap, from all tracks alike."""
    paths = [path for path in files_of(game, cache, "*.ogg") if _seconds(path) >= _LEAST_TRACK_S]
    each = -(-_CROPS // len(paths))
    found = []
    for path in paths:
        places = int(_seconds(path) // _SECONDS)
        rng = np.random.default_rng(zlib.crc32(path.name.encode()))
        for place in rng.permutation(places)[:each]:
            rate = soundfile.info(path).samplerate
            audio, _ = soundfile.read(path, int(_SECONDS * rate), int(place * _SECONDS * rate), always_2d=True)
            if np.sqrt(np.mean(audio**2)) >= _LEAST_RMS:
                found.append((audio, rate))
    return found


def _seconds(path: Path) -> float:
    return float(soundfile.info(path).duration)


def _nulls(counts: dict[str, int], outputs: int) -> list[Draw]:
    return [_draw(counts, game, game, outputs, outputs, n) for game in GAMES for n in range(_NULLS)]


def _moved(counts: dict[str, int], outputs: int, own: int) -> list[Draw]:
    pairs = itertools.permutations(GAMES, 2)
    return [_draw(counts, game, other, outputs, own, n) for game, other in pairs for n in range(_PAIRS)]


def _draw(counts: dict[str, int], game: str, other: str, outputs: int, own: int, number: int) -> Draw:
    """Someone's clips are of one game, the base's outputs of another, and of the adapter's so many are of the first."""
    rng = np.random.default_rng([zlib.crc32(f"{game} {other}".encode()), outputs, own, number])
    mine = [(game, int(i)) for i in rng.permutation(counts[game])]
    theirs = mine[REFERENCE + outputs :] if other == game else [(other, int(i)) for i in rng.permutation(counts[other])]
    base, rest = theirs[:outputs], theirs[outputs:]
    adapter = mine[REFERENCE : REFERENCE + own] + rest[: outputs - own]
    return Draw(tuple(base), tuple(adapter), tuple(mine[:REFERENCE]))


def _called(draw: Draw, heard: dict[str, dict[str, list[Vectors]]], names: Sequence[str]) -> str | None:
    """What the rule says: ``better``, ``worse`` or nothing."""
    views = []
    for name in names:
        sides = [[heard[game][name][i] for game, i in side] for side in (draw.base, draw.adapter, draw.reference)]
        views.append(standardised(sides, sides[2]))
    base, adapter = (_record(kernel_distance([(view[side], view[2]) for view in views])) for side in (0, 1))
    sound = SoundComparison(base=base, adapter=adapter, ears=tuple(names[1:]))
    findings = judge(RunData([], [], sound=sound))
    return findings[0].kind if findings else None


def _record(found: Distance | None) -> SetDistance | None:
    return None if found is None else SetDistance(**vars(found))
