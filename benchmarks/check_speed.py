"""How many times faster than real time one core checks a folder of clips, as WAV or compressed.

``everything`` measures all signals, fingerprints, and searches pitched and sped-up copies; ``speech`` listens to
voices, pace and pauses besides (without Whisper, which is another matter). Ratios are of processor time.
``joined`` is two MP3 streams without a header in one file: every frame is walked before the first is decoded.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from pathlib import Path

import numpy as np

import protocol
from recording import measured, write_results
from tunesmith.data.checks.context import Check

KINDS = {
    "wav": ("WAV", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
}
_BLOCK = 1 << 16  # libsndfile's Ogg encoders keep a whole write on the stack


def write_clips(folder: Path, count: int, seconds: float, rate: int, kind: str) -> None:
    """Stereo clips that differ, loud enough to be worth measuring."""
    rng = np.random.default_rng(0)
    t = np.arange(int(seconds * rate)) / rate
    for i in range(count):
        melody = sum(
            np.sin(2 * np.pi * f * t) * (1 + np.sin(2 * np.pi * (0.5 + i % 5) * t)) for f in rng.uniform(60, 4000, 6)
        )
        audio = 0.05 * melody[:, None] + 0.02 * rng.standard_normal((len(t), 2))
        halves = np.array_split(audio, 2) if kind == "joined" else [audio]
        with (folder / f"{i}.{kind}").open("wb") as target:
            for piece in halves:
                target.write(coded(piece, rate, "mp3" if kind == "joined" else kind, headless=kind == "joined"))


def coded(audio: np.ndarray, rate: int, kind: str, *, headless: bool = False) -> bytes:
    """The bytes of a sound file; of an MP3 without the frame that states its length, if asked."""
    import soundfile

    from tunesmith.audio.mpeg import mpeg_streams

    container, subtype = KINDS[kind]
    buffer = io.BytesIO()
    with soundfile.SoundFile(buffer, "w", rate, audio.shape[1], subtype, format=container) as file:
        for start in range(0, len(audio), _BLOCK):
            file.write(audio[start : start + _BLOCK])
    content = buffer.getvalue()
    header = mpeg_streams(content, 0)[0].header if headless else None
    return content[header[1] :] if header else content


def main() -> None:
    """Check the same clips with and without what is costly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--rate", type=int, default=44_100)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--kind", choices=[*KINDS, "joined"], default="wav")
    options = parser.parse_args()
    rate = 48_000 if options.kind == "opus" else options.rate
    from tunesmith.data.checks.run_checks import run_checks
    from tunesmith.data.sample import AudioRef, Sample
    from tunesmith.speech.recordings.checks import spoken_checks
    from tunesmith.speech.recordings.measure import Listener
    from tunesmith.speech.speaker_vector import MFCC

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_clips(folder, options.clips, options.seconds, rate, options.kind)
        samples = [
            Sample(p.name, {"audio": AudioRef(str(p))}, {"caption": p.name}, source=p.name)
            for p in sorted(folder.iterdir())
        ]

        def check(everything: bool, *more: Check) -> None:
            report = run_checks(samples, fingerprint=everything, signals=everything, more=more, transcripts=bool(more))
            if len(report.kept) != options.clips:
                raise SystemExit(f"clips were refused: {report.quarantined}")

        with protocol.probed():
            arms = {
                "plain": lambda: check(False),
                "everything": lambda: check(True),
                "speech": lambda: check(True, spoken_checks(Listener(MFCC))),
            }
            times = protocol.best(protocol.interleave(arms, options.rounds))
    audio = options.clips * options.seconds
    print(
        protocol.ratio_line(
            f"{options.kind}: check without signals and fingerprint, × real time", audio / times["plain"], 200
        )
    )
    aim = 40 if options.kind == "wav" else 30
    for arm, what in (("everything", "everything"), ("speech", "everything and what is for speech")):
        print(protocol.ratio_line(f"{options.kind}: check with {what}, × real time", audio / times[arm], aim))
    measured(times_real_time={arm: audio / seconds for arm, seconds in times.items()})
    write_results(__file__)


if __name__ == "__main__":
    main()
