"""What finding copies takes per clip, in sets of 200 to 100,000 clips, and how many of the planted ones it finds.

Fingerprints are put together from real ones: of three minutes of every track of four Debian packages of game music
(downloaded into ``--cache``, never installed) landmarks are taken once, and a clip of 12 s is a row of stretches of 1.5
to 4 s of them, transposed by up to 30 bins and sped up or slowed down by up to a quarter, so that no two clips share
one; three in ten repeat one stretch as a loop. Copies are planted among them: peaks are left out as noise, coding and
crops leave them out. Of a copy it is asked whether it is found among all clips where the two by themselves are found
alike. Every size is measured in a process of its own; its memory is what the search takes beside the fingerprints.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

import protocol
from debian import files_of
from recording import measured, write_results

PACKAGES = ("asc-music", "hyperrogue-music", "singularity-music", "wesnoth-1.16-music")
SIZES = (200, 2_000, 10_000, 100_000)
TRACK_S, CLIP_S, FRAMES_PER_S = 180, 12, 11_025 / 256
COPIES: tuple[tuple[float, tuple[int, int] | None], ...] = (
    *((1.0, None), (0.7, None), (0.5, None), (0.4, None)),
    *((0.6, (100, 260)), (0.5, (100, 360))),
)
"""Share of the peaks that a copy keeps, and the frames that it is cut to."""
PLANTED = 300
Marks = np.ndarray


def tracks(cache: Path) -> list[Marks]:
    """Landmarks of every track, taken once."""
    kept = cache / "duplicates_landmarks.npz"
    if not kept.exists():
        import soundfile

        from tunesmith.data.fingerprint import landmarks

        found = {}
        for path in (path for name in PACKAGES for path in files_of(name, cache, "*.ogg", "*.mp3")):
            with soundfile.SoundFile(path) as file:
                audio, rate = file.read(TRACK_S * file.samplerate, dtype="float32", always_2d=True), file.samplerate
            found[path.name] = landmarks(audio, rate)
        np.savez(kept, **found)
    with np.load(kept) as arrays:
        return [marks.astype(np.int64) for marks in arrays.values() if len(marks) > TRACK_S * 10]


def packed(first: Marks, second: Marks, apart: Marks, frames: Marks) -> Marks:
    """Landmarks (M, 2) from their peaks."""
    return np.stack([(first << 18) | (second << 8) | apart, frames], axis=1)


def unpacked(marks: Marks) -> tuple[Marks, Marks, Marks, Marks]:
    """First and second bin, frames between them, frame of the first."""
    return marks[:, 0] >> 18, (marks[:, 0] >> 8) & 1023, marks[:, 0] & 255, marks[:, 1]


def stretch(sources: list[Marks], frames: int, rng: np.random.Generator) -> Marks:
    """Landmarks of so many frames of some track, transposed and at another speed."""
    track, speed, bins = sources[rng.integers(len(sources))], rng.uniform(0.8, 1.25), int(rng.integers(-30, 31))
    taken = int(frames / speed)
    start = int(rng.integers(max(1, int(track[-1, 1]) - taken)))
    low, high = np.searchsorted(track[:, 1], [start, start + taken])
    first, second, apart, times = unpacked(track[low:high])
    first, second = first + bins, second + bins
    times, apart = np.rint((times - start) * speed).astype(np.int64), np.rint(apart * speed).astype(np.int64)
    inside = (np.minimum(first, second) >= 4) & (np.maximum(first, second) < 400) & (times + apart < frames)
    inside &= (apart >= 2) & (apart <= 40)
    return packed(first[inside], second[inside], apart[inside], times[inside])


def clip(sources: list[Marks], rng: np.random.Generator) -> Marks:
    """Landmarks of one clip."""
    whole, at, parts, part = int(CLIP_S * FRAMES_PER_S), 0, [], np.zeros((0, 2), np.int64)
    loops, frames = rng.random() < 0.3, 0
    while at < whole:
        if not (loops and frames):
            frames = int(rng.uniform(1.5, 4) * FRAMES_PER_S)
            part = stretch(sources, frames, rng)
        moved = part + np.array([0, at])
        parts.append(moved[moved[:, 1] + (moved[:, 0] & 255) < whole])
        at += frames
    marks = np.concatenate(parts)
    return marks[np.argsort(marks[:, 1], kind="stable")].astype(np.int32)


def copy(marks: Marks, kept: float, cut: tuple[int, int] | None, rng: np.random.Generator) -> Marks:
    """A copy of a clip that has lost peaks, and with each its landmarks."""
    first, second, apart, frames = unpacked(marks.astype(np.int64))
    there = rng.random((1024, int(frames.max(initial=0)) + 64)) < kept
    whole = there[first, frames] & there[second, frames + apart]
    if cut:
        whole &= (frames >= cut[0]) & (frames + apart < cut[1])
    return (marks[whole] - np.array([0, cut[0] if cut else 0])).astype(np.int32)


def measure(cache: Path, size: int) -> dict[str, float]:
    """Milliseconds of processor time a clip, memory beside the fingerprints, and the share of copies that is found."""
    from tunesmith.data.fingerprint import near_duplicates

    rng, sources = np.random.default_rng(size), tracks(cache)
    clips = [clip(sources, rng) for _ in range(size)]
    origins = [int(rng.integers(size)) for _ in range(min(PLANTED, size // 2))]
    clips += [copy(clips[origin], *COPIES[n % len(COPIES)], rng) for n, origin in enumerate(origins)]
    before = status("VmRSS")
    found: list[tuple[str, str, float]] = []
    seconds = protocol.cpu_seconds(lambda: found.extend(near_duplicates({str(n): m for n, m in enumerate(clips)})))
    peak = status("VmHWM")
    pairs = {(int(first), int(second)) for first, second, _ in found}
    alone = [(o, size + n) for n, o in enumerate(origins) if alike(clips[o], clips[size + n])]
    return {
        "clips": len(clips),
        "landmarks_per_clip": sum(map(len, clips)) / len(clips),
        "ms_per_clip": 1000 * seconds / len(clips),
        "memory_mb": (peak - before) / 1000,
        "pairs": len(pairs),
        "planted_found": sum(pair in pairs for pair in alone) / len(alone),
    }


def alike(first: Marks, second: Marks) -> bool:
    """Whether two clips by themselves, landmark by landmark, are found alike."""
    from tunesmith.data.fingerprint import FingerprintIndex

    index = FingerprintIndex()
    index.add("first", first)
    index.add("second", second)
    return bool(index.matches(first, skip="first") or index.matches(second, skip="second"))


def status(field: str) -> int:
    """A figure of this process by the kernel, in kB."""
    lines: Iterator[str] = iter(Path("/proc/self/status").read_text(encoding="utf-8").splitlines())
    return int(next(line for line in lines if line.startswith(field)).split()[1])


def main() -> None:
    """Measure every size, the smallest first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "tunesmith-benchmarks")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    tracks(options.cache)
    figures: dict[str, Any] = {}
    for size in options.sizes:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            found = figures[str(size)] = pool.submit(measure, options.cache, size).result()
        print(protocol.ratio_line(f"{size:,} clips: ms per clip", found["ms_per_clip"], 1.0, at_least=False))
        print(
            f"  {found['memory_mb']:.0f} MB; {found['planted_found']:.1%} of the planted copies; {found['pairs']} pairs"
        )
    measured(sizes=figures)
    write_results(__file__, [])


if __name__ == "__main__":
    main()
