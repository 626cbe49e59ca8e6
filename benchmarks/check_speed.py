"""How many times faster than real time one core checks a folder of clips."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

import protocol
from recording import measured, write_results


def write_clips(folder: Path, count: int, seconds: float, rate: int) -> None:
    """Stereo clips that differ, loud enough to be worth measuring."""
    import soundfile

    rng = np.random.default_rng(0)
    t = np.arange(int(seconds * rate)) / rate
    for i in range(count):
        melody = sum(
            np.sin(2 * np.pi * f * t) * (1 + np.sin(2 * np.pi * (0.5 + i % 5) * t)) for f in rng.uniform(60, 4000, 6)
        )
        audio = 0.05 * melody[:, None] + 0.02 * rng.standard_normal((len(t), 2))
        soundfile.write(folder / f"{i}.wav", audio, rate)


def main() -> None:
    """Check the same clips with and without the two costly measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--rate", type=int, default=44_100)
    parser.add_argument("--rounds", type=int, default=4)
    options = parser.parse_args()
    from tunesmith.data.checks.run_checks import run_checks
    from tunesmith.data.sample import AudioRef, Sample

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_clips(folder, options.clips, options.seconds, options.rate)
        samples = [
            Sample(p.name, {"audio": AudioRef(str(p))}, {"caption": p.name}, source=p.name)
            for p in sorted(folder.glob("*.wav"))
        ]

        def check(everything: bool) -> None:
            report = run_checks(samples, fingerprint=everything, signals=everything)
            if len(report.kept) != options.clips:
                raise SystemExit(f"clips were refused: {report.quarantined}")

        with protocol.probed():
            times = protocol.best(
                protocol.interleave({"plain": lambda: check(False), "everything": lambda: check(True)}, options.rounds)
            )
    audio = options.clips * options.seconds
    print(protocol.ratio_line("check without signals and fingerprint, × real time", audio / times["plain"], 200))
    print(protocol.ratio_line("check with everything, × real time", audio / times["everything"], 30))
    measured(times_real_time={arm: audio / seconds for arm, seconds in times.items()})
    write_results(__file__)


if __name__ == "__main__":
    main()
