"""Read any sound file people have, or say in one sentence why not."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tunesmith.audio import containers
from tunesmith.audio.ffmpeg import converted
from tunesmith.audio.problems import UnreadableAudioError
from tunesmith.files import explain_os_error
from tunesmith.texts import NOTHING, Message, msg

if TYPE_CHECKING:
    import soundfile

AUDIO_SUFFIXES = frozenset(
    ".wav .flac .mp3 .ogg .oga .opus .aif .aiff .aifc .au .caf .w64 .rf64 .m4a .m4b .aac .mp4 .wma .webm".split()  # noqa: SIM905
)
"""Names that make a file a clip; what is inside decides how it is decoded."""

_SHORT_READ_SECONDS = 0.1  # MP3 headers count encoder padding; more than this missing is a cut-off file
_BLOCK_VALUES = 1 << 22
_FETCH_AGAIN = msg("Copy, download or export it again.")


@dataclass(frozen=True)
class AudioInfo:
    """What a file says about itself, without decoding it."""

    sample_rate: int
    channels: int
    frames: int
    seconds: float
    format: str


def is_audio(path: Path) -> bool:
    """Whether a file's name is that of a clip; hidden files (``._a.wav`` of macOS) are not."""
    return path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith(".")


@contextmanager
def open_audio(path: str | Path) -> Iterator[soundfile.SoundFile]:
    """Open a sound file for reading, whatever its format.

    Raises:
        UnreadableAudioError: for a missing, empty, cut-off or foreign file, naming it and the remedy.
    """
    import soundfile

    path = Path(path)
    with ExitStack() as stack:
        try:
            source = _source(path, stack)
            file = stack.enter_context(soundfile.SoundFile(source if isinstance(source, io.BytesIO) else str(source)))
        except OSError as error:
            explained = explain_os_error(error, path)
            raise UnreadableAudioError("missing", explained.what, path, explained.remedy or NOTHING) from error
        except soundfile.LibsndfileError as error:
            what = msg("no decoder can read this file ({reason})", reason=_reason(error))
            raise UnreadableAudioError("format", what, path, msg("Export it again, or convert it to WAV.")) from error
        if file.frames <= 0:
            what = msg("this file holds no sound (0 samples)")
            raise UnreadableAudioError("empty", what, path, msg("Remove it, or export it again."))
        yield file


def probe(path: str | Path) -> AudioInfo:
    """Sample rate, channels and length of a file.

    Raises:
        UnreadableAudioError: as :func:`open_audio`.
    """
    with open_audio(path) as file:
        return info_of(file)


def info_of(file: soundfile.SoundFile) -> AudioInfo:
    """The facts of an open file."""
    return AudioInfo(file.samplerate, file.channels, file.frames, file.frames / file.samplerate, file.format)


def read(path: str | Path, start: float = 0.0, end: float | None = None) -> tuple[np.ndarray, int]:
    """Decode a file, or its span ``start``..``end`` in seconds.

    Returns:
        Audio as float32 of shape (channels, frames), nominally in -1..1, and its sample rate in Hz.

    Raises:
        UnreadableAudioError: as :func:`open_audio`; also for a span outside the file and for NaN or infinite samples.
    """
    with open_audio(path) as file:
        rate = file.samplerate
        audio = np.concatenate(list(blocks(file, str(path), start, end)), axis=1)
    if not np.isfinite(audio).all():
        bad = int(audio.size - np.isfinite(audio).sum())
        what = msg("{count} samples are not numbers (NaN or infinite)", count=bad)
        raise UnreadableAudioError("not_finite", what, path, msg("Export it again."))
    return audio, rate


def blocks(file: soundfile.SoundFile, name: str, start: float = 0.0, end: float | None = None) -> Iterator[np.ndarray]:
    """Decode an open file piece by piece, so that memory does not grow with its length.

    Yields:
        float32 arrays (channels, frames) of whole seconds, the last one shorter.

    Raises:
        UnreadableAudioError: when the decoder stops before the length its header promises, or the span is empty.
    """
    import soundfile

    rate = file.samplerate
    first = round(start * rate)
    last = file.frames if end is None else min(round(end * rate), file.frames)
    if first < 0 or first >= last:
        what = msg(
            "the span {start:g}..{end} s lies outside its {seconds:.2f} s",
            start=start,
            end=msg("end") if end is None else f"{end:g}",
            seconds=file.frames / rate,
        )
        raise UnreadableAudioError("span", what, name, msg("Correct start and end."))
    step = rate * max(1, _BLOCK_VALUES // (file.channels * rate))
    position = first
    try:
        file.seek(first)
        while position < last:
            block = file.read(min(step, last - position), dtype="float32", always_2d=True)
            if len(block) == 0:
                break
            position += len(block)
            yield np.ascontiguousarray(block.T)
    except soundfile.LibsndfileError as error:
        what = msg("this file is damaged or cut off: it cannot be decoded to its end ({reason})", reason=_reason(error))
        raise UnreadableAudioError("damaged", what, name, _FETCH_AGAIN) from error
    if last - position > _SHORT_READ_SECONDS * rate or position == first:
        promised, got = (last - first) / rate, (position - first) / rate
        what = msg(
            "this file is damaged or cut off: its header promises {promised:.2f} s, {decoded:.2f} s can be decoded",
            promised=promised,
            decoded=got,
        )
        raise UnreadableAudioError("damaged", what, name, _FETCH_AGAIN)


def _source(path: Path, stack: ExitStack) -> Path | io.BytesIO:
    """What libsndfile should open for ``path``: the file, a repaired copy in memory, or ffmpeg's conversion."""
    head = containers.read_head(path)
    _refuse_what_is_not_audio(path, head)
    if containers.needs_ffmpeg(path, head):
        return stack.enter_context(converted(path))
    missing = containers.missing_share(path, head)
    if missing > 0:
        what = msg("this file is cut off: {share:.0%} of the sound that its header promises is missing", share=missing)
        raise UnreadableAudioError("damaged", what, path, _FETCH_AGAIN)
    if containers.vbr_without_header(path, head):
        return io.BytesIO(containers.with_xing_header(path))
    return path


def _refuse_what_is_not_audio(path: Path, head: bytes) -> None:
    match containers.what_it_is_instead(head):
        case "empty":
            what = msg("this file is empty (0 bytes)")
            raise UnreadableAudioError("empty", what, path, msg("Remove it, or export it again."))
        case "lfs":
            what = msg("this is a Git LFS pointer, not the sound itself")
            raise UnreadableAudioError("pointer", what, path, msg("Run `git lfs pull`."))
        case "text":
            what = msg("this is a text file named {suffix}, not audio", suffix=path.suffix or msg("like audio"))
            raise UnreadableAudioError("text", what, path, msg("Remove it, or put the sound there."))


def _reason(error: Exception) -> str | Message:
    text = str(getattr(error, "error_string", error)).strip().rstrip(".")
    if "does not exist" in text:  # what libsndfile says of bytes that are no MPEG stream
        return msg("format not recognised")
    return text[:1].lower() + text[1:]
