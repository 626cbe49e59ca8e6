"""m4a, aac, wma and others through the system's ffmpeg: no Python decoder for them is both free of copyleft and light.

ffmpeg is told which format to read, from the first bytes, and that it may open files only: left to itself it takes a
playlist for a clip and reads what that names.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tunesmith.audio.problems import AudioInfo, LongerThanAskedError, UnreadableAudioError
from tunesmith.texts import Message, msg

_TIMEOUT_SECONDS = 600
_LONGEST_SECONDS = 86_400.0
_SPARE_BYTES = 1 << 28
_DURATION = re.compile(r"\s*Duration: (\d+):(\d+):(\d+\.?\d*)")
_AUDIO_STREAM = re.compile(r"\s*Stream #0.*: Audio: .*?(\d+) Hz, (\w+\.?\d*)")
_CHANNELS = {"mono": 1, "stereo": 2, "quad": 4, "5.1": 6, "7.1": 8}
_NO_REASON = ("Conversion failed!", "Error opening input files")


@dataclass
class _FfmpegLog:
    """What ffmpeg wrote while it ran."""

    seconds: float | None = None
    rate: int = 0
    channels: int = 0
    tracks: int = 0
    is_estimate: bool = False
    is_output: bool = False
    last: str = ""

    def add(self, line: str) -> None:
        """Read one line."""
        if found := _DURATION.match(line):
            hours, minutes, seconds = map(float, found.groups())
            self.seconds = self.seconds or 3600 * hours + 60 * minutes + seconds
        elif not self.is_output and (found := _AUDIO_STREAM.match(line)):
            self.tracks += 1
            if self.tracks == 1:
                self.rate, self.channels = int(found[1]), _CHANNELS.get(found[2], 0)
        self.is_output |= line.startswith("Output #")
        self.is_estimate |= "Estimating duration" in line
        if line.strip() and not line.strip().startswith(_NO_REASON):
            self.last = line.strip()

    def info(self, demuxer: str) -> AudioInfo | None:
        """What the file states of itself, if that is all that must be known of it."""
        if self.seconds is None or self.is_estimate or not self.rate or not self.channels:
            return None
        frames = round(self.seconds * self.rate)
        return AudioInfo(self.rate, self.channels, frames, self.seconds, demuxer.upper(), self.seconds)


@dataclass(frozen=True)
class Conversion:
    """What ffmpeg made of a file.

    Attributes:
        wav: A temporary 32-bit float WAV at the file's own rate and channels.
        header_seconds: Length that the file states; ``None`` where ffmpeg would guess it, or not all was wanted.
        tracks: Audio tracks that lie side by side in the file; one of them is in the WAV.
    """

    wav: Path
    header_seconds: float | None
    tracks: int


@contextmanager
def converted(
    path: Path, demuxer: str, *, longest: float | None = None, end: float | None = None
) -> Iterator[Conversion]:
    """Convert a file into a folder that is gone afterwards.

    Args:
        path: The file.
        demuxer: ffmpeg's name of the format that its first bytes show.
        longest: Seconds; of a file that states no length, one second more is converted and the rest is not.
        end: Seconds behind which nothing is wanted.

    Raises:
        UnreadableAudioError: without an ffmpeg on the path, or when it cannot read the file.
        LongerThanAskedError: for a file that states more than ``longest``.
    """
    program = shutil.which("ffmpeg")
    if program is None:
        what = msg("this format ({suffix}) needs ffmpeg", suffix=path.suffix or msg("no suffix"))
        raise UnreadableAudioError("ffmpeg", what, path, msg("Install ffmpeg or convert to WAV."))
    with tempfile.TemporaryDirectory(prefix="tunesmith-") as folder:
        target = Path(folder) / "audio.wav"
        room = shutil.disk_usage(folder).free - _SPARE_BYTES
        seconds = min([_LONGEST_SECONDS, *(limit + 1 for limit in (longest, end) if limit is not None)])
        reading = ["-protocol_whitelist", "file", "-f", demuxer, "-t", f"{seconds:g}", "-i", _url(path)]
        writing = ["-vn", "-c:a", "pcm_f32le", "-rf64", "auto", "-fs", str(max(1, room)), str(target)]
        command = [program, "-hide_banner", "-nostdin", "-nostats", "-v", "info", "-y", *reading, *writing]
        log, code = _run(command, path, demuxer, longest)
        if code or not target.exists():
            what = msg("ffmpeg cannot read this file ({reason})", reason=log.last or msg("no reason given"))
            raise _failed(path, what)
        if target.stat().st_size >= room:
            what = msg("the sound of this file does not fit into the free space of {folder}", folder=folder)
            raise _failed(path, what)
        header_seconds = None if log.is_estimate or end is not None else log.seconds
        yield Conversion(target, header_seconds, max(1, log.tracks))


def _url(path: Path) -> str:
    """The prefix keeps a colon in a name from being taken for a protocol."""
    return f"file:{path.absolute()}"


def _failed(path: Path, what: Message) -> UnreadableAudioError:
    return UnreadableAudioError("ffmpeg", what, path, msg("Convert it to WAV."))


def _run(command: list[str], path: Path, demuxer: str, longest: float | None) -> tuple[_FfmpegLog, int]:
    """Run ffmpeg to its end, or to the line that says the file is longer than asked."""
    log = _FfmpegLog()
    nowhere, pipe = subprocess.DEVNULL, subprocess.PIPE
    with subprocess.Popen(
        command, stdin=nowhere, stdout=nowhere, stderr=pipe, encoding="utf-8", errors="replace"
    ) as process:
        alarm = threading.Timer(_TIMEOUT_SECONDS, process.kill)
        alarm.start()
        try:
            for line in process.stderr or ():
                log.add(line)
                info = log.info(demuxer)
                if info and longest is not None and info.seconds > longest:
                    raise LongerThanAskedError(path, info)
            process.wait()
            if not alarm.is_alive():
                raise _failed(path, msg("ffmpeg did not finish within {seconds} s", seconds=_TIMEOUT_SECONDS))
            return log, process.returncode
        finally:
            alarm.cancel()
            process.kill()
