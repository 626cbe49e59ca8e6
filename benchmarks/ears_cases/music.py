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
SIZES = ((4, 12), (8, 12), (8, 24))
"""How many outputs of each side, and how many crops of someone's own."""
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
    """Of draws by their sizes: how often the rule speaks, and how often the adapter's outputs are nearer."""
    heard = {game: _vectors(game, cache) for game in GAMES}
    crops = {game: len(next(iter(heard[game].values()))) for game in GAMES}
    figures: dict[str, Any] = {"crops": crops, "sizes": []}
    for outputs, own in SIZES:
        size: dict[str, Any] = {"outputs": outputs, "reference": own}
        draws = {
            "null": _draws(crops, outputs, own, 0, own_game=True),
            "other": _draws(crops, outputs, own, outputs),
            "half": _draws(crops, outputs, own, outputs // 2),
        }
        for case, each in draws.items():
            for by, names in EMBEDDINGS.items():
                told = [_told(draw, heard, names) for draw in each]
                called = sum(kind is not None if case == "null" else kind == "better" for kind, _ in told)
                size.setdefault(case, {})[by] = {
                    "called": called,
                    "nearer": sum(nearer for _, nearer in told),
                    "of": len(told),
                }
                say(f"{outputs} outputs, {own} clips, {case}, {by}: {size[case][by]}")
        figures["sizes"].append(size)
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


def _draws(crops: dict[str, int], outputs: int, own: int, moved: int, *, own_game: bool = False) -> list[Draw]:
    pairs = [(game, game) for game in GAMES] if own_game else list(itertools.permutations(GAMES, 2))
    numbers = range(_NULLS if own_game else _PAIRS)
    return [_draw(crops, pair, (outputs, own, moved), n) for pair in pairs for n in numbers]


def _draw(crops: dict[str, int], pair: tuple[str, str], sizes: tuple[int, int, int], number: int) -> Draw:
    """Someone's clips are of one game, the base's outputs of another, and so many of the adapter's are of the first."""
    (game, other), (outputs, own, moved) = pair, sizes
    rng = np.random.default_rng([zlib.crc32(f"{game} {other}".encode()), *sizes, number])
    mine = [(game, int(i)) for i in rng.permutation(crops[game])]
    theirs = mine[own:] if other == game else [(other, int(i)) for i in rng.permutation(crops[other])]
    base, rest = theirs[:outputs], theirs[outputs:]
    return Draw(tuple(base), tuple(mine[own : own + moved] + rest[: outputs - moved]), tuple(mine[:own]))


def _told(draw: Draw, heard: dict[str, dict[str, list[Vectors]]], names: Sequence[str]) -> tuple[str | None, bool]:
    """What the rule says (``better``, ``worse`` or nothing), and whether the adapter's outputs are nearer."""
    views = []
    for name in names:
        sides = [[heard[game][name][i] for game, i in side] for side in (draw.base, draw.adapter, draw.reference)]
        views.append(standardised(sides, sides[2]))
    base, adapter = (kernel_distance([(view[side], view[2]) for view in views]) for side in (0, 1))
    if base is None or adapter is None:
        raise ValueError("a draw has under four clips on a side")
    sound = SoundComparison(base=_record(base), adapter=_record(adapter), ears=tuple(names[1:]))
    findings = judge(RunData([], [], sound=sound))
    return findings[0].kind if findings else None, adapter.value < base.value


def _record(found: Distance) -> SetDistance:
    return SetDistance(**vars(found))
