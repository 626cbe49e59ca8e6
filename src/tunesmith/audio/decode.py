"""Read any sound file people have, or say in one sentence why not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import numpy as np

from tunesmith.audio import containers
from tunesmith.audio.ffmpeg import converted
from tunesmith.audio.parts import StreamPart, stream_parts
from tunesmith.audio.problems import AudioInfo, LongerThanAskedError, UnreadableAudioError
from tunesmith.audio.sound import Sound
from tunesmith.files import explain_os_error
from tunesmith.texts import NOTHING, Message, msg

AUDIO_SUFFIXES = frozenset(
    ".wav .flac .mp3 .ogg .oga .opus .aif .aiff .aifc .au .caf .w64 .rf64 .m4a .m4b .aac .mp4 .wma .webm".split()  # noqa: SIM905
)
"""Names that make a file a clip; what is inside decides how it is decoded."""

_SHORT_READ_SECONDS = 0.1  # MP3 headers count encoder padding; more than this missing is a cut-off file
_LONG_SECONDS = 3600.0
_BLOCK_VALUES = 1 << 22
_FETCH_AGAIN = msg("Copy, download or export it again.")


def is_audio(path: Path) -> bool:
    """Whether a file's name is that of a clip; hidden files (``._a.wav`` of macOS) are not."""
    return path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith(".")


@contextmanager
def open_audio(path: str | Path, *, longest: float | None = None, end: float | None = None) -> Iterator[Sound]:
    """Open a sound file for reading, whatever its format.

    Args:
        path: The file.
        longest: Seconds beyond which a file is not worth converting, where it would have to be converted.
        end: Seconds up to which it will be read; what lies behind need not be converted.

    Raises:
        UnreadableAudioError: for a missing, empty, cut-off or foreign file, naming it and the remedy.
        LongerThanAskedError: for a file that would have to be converted and is longer than ``longest``.
    """
    import soundfile

    path = Path(path)
    with ExitStack() as stack:
        try:
            sound = stack.enter_context(closing(_opened(path, longest, end, stack)))
        except OSError as error:
            explained = explain_os_error(error, path)
            raise UnreadableAudioError("missing", explained.what, path, explained.remedy or NOTHING) from error
        except soundfile.LibsndfileError as error:
            what = msg("no decoder can read this file ({reason})", reason=_reason(error))
            raise UnreadableAudioError("format", what, path, msg("Export it again, or convert it to WAV.")) from error
        if sound.frames <= 0:
            what = msg("this file holds no sound (0 samples)")
            raise UnreadableAudioError("empty", what, path, msg("Remove it, or export it again."))
        yield sound


def probe(path: str | Path) -> AudioInfo:
    """Sample rate, channels and length of a file; a file of over an hour is not converted to learn them.

    Raises:
        UnreadableAudioError: as :func:`open_audio`.
    """
    try:
        with open_audio(path, longest=_LONG_SECONDS) as sound:
            return info_of(sound)
    except LongerThanAskedError as error:
        return error.info


def info_of(sound: Sound) -> AudioInfo:
    """The facts of an open file."""
    return AudioInfo(
        sample_rate=sound.samplerate,
        channels=sound.channels,
        frames=sound.frames,
        seconds=sound.frames / sound.samplerate,
        format=sound.format,
        header_seconds=sound.header_seconds,
        streams=sound.streams,
        tracks=sound.tracks,
    )


def read(path: str | Path, start: float = 0.0, end: float | None = None) -> tuple[np.ndarray, int]:
    """Decode a file, or its span ``start``..``end`` in seconds.

    Returns:
        Audio as float32 of shape (channels, frames), nominally in -1..1, and its sample rate in Hz.

    Raises:
        UnreadableAudioError: as :func:`open_audio`; also for a span outside the file and for NaN or infinite samples.
    """
    with open_audio(path, end=end) as sound:
        rate = sound.samplerate
        audio = np.concatenate(list(finite_blocks(sound, str(path), start, end)), axis=1)
    return audio, rate


def finite_blocks(sound: Sound, name: str, start: float = 0.0, end: float | None = None) -> Iterator[np.ndarray]:
    """:func:`blocks` of a sound that must hold numbers alone.

    Raises:
        UnreadableAudioError: as :func:`blocks`; also for NaN and infinite samples, which are counted to the end.
    """
    bad = 0
    for block in blocks(sound, name, start, end):
        bad += int(block.size - np.isfinite(block).sum())
        if not bad:
            yield block
    if bad:
        what = msg("{count} samples are not numbers (NaN or infinite)", count=bad)
        raise UnreadableAudioError("not_finite", what, name, msg("Export it again."))


def blocks(sound: Sound, name: str, start: float = 0.0, end: float | None = None) -> Iterator[np.ndarray]:
    """Decode an open file piece by piece, so that memory does not grow with its length.

    Yields:
        float32 arrays (channels, frames) of whole seconds, the last one shorter.

    Raises:
        UnreadableAudioError: when the decoder stops before the length its header promises, or the span is empty.
    """
    import soundfile

    rate = sound.samplerate
    first, last = _span(sound, name, start, end)
    step = rate * max(1, _BLOCK_VALUES // (sound.channels * rate))
    position = first
    reason: str | Message | None = None
    sound.seek(first)
    while position < last:
        try:
            block = sound.read(min(step, last - position))
        except soundfile.LibsndfileError as error:
            if step <= rate:
                reason = _reason(error)
                break
            step = rate // 10  # so that all that comes before the damage is read, and its length known
            sound.close()
            continue
        if block.shape[1] == 0:
            break
        position += block.shape[1]
        yield block
    if reason or last - position > _SHORT_READ_SECONDS * rate or position == first:
        raise _cut_off(name, (last - first) / rate, (position - first) / rate, reason)


def _span(sound: Sound, name: str, start: float, end: float | None) -> tuple[int, int]:
    """First sample, and the one behind the last, of a span in seconds."""
    first, last = round(start * sound.samplerate), sound.frames
    last = last if end is None else min(round(end * sound.samplerate), last)
    if 0 <= first < last:
        return first, last
    what = msg(
        "the span {start:g}..{end} s lies outside its {seconds:.2f} s",
        start=start,
        end=msg("end") if end is None else f"{end:g}",
        seconds=sound.frames / sound.samplerate,
    )
    raise UnreadableAudioError("span", what, name, msg("Correct start and end."))


def _cut_off(
    path: str | Path, promised: float, held: float, reason: str | Message | None = None
) -> UnreadableAudioError:
    """The error for a file with less sound than its header promises, in seconds."""
    what = msg(
        "this file is damaged or cut off: its header promises {promised:.2f} s, {decoded:.2f} s can be decoded",
        promised=promised,
        decoded=held,
    )
    if reason:
        what = msg("{said} ({reason})", said=what, reason=reason)
    return UnreadableAudioError("damaged", what, path, _FETCH_AGAIN)


def _opened(path: Path, longest: float | None, end: float | None, stack: ExitStack) -> Sound:
    """The sound of a file, read by libsndfile from the file itself or from ffmpeg's conversion."""
    head = containers.read_head(path)
    _refuse_what_is_not_audio(path, head)
    demuxer = containers.demuxer(path, head)
    if demuxer is not None:
        made = stack.enter_context(converted(path, demuxer, longest=longest, end=end))
        return Sound(made.wav, [StreamPart(stated=None)], made.header_seconds, made.tracks)
    sound = Sound(path, stream_parts(path))
    seconds, promised = sound.frames / sound.samplerate, sound.header_seconds
    # A single stream whose end is missing is a broken copy; of several joined ones, what is there is all there was.
    if sound.frames and sound.is_cut and promised is not None and promised - seconds > _SHORT_READ_SECONDS:
        sound.close()
        raise _cut_off(path, promised, seconds)
    return sound


def _refuse_what_is_not_audio(path: Path, head: bytes) -> None:
    match containers.what_it_is_instead(head):
        case "empty":
            what = msg("this file is empty (0 bytes)")
            raise UnreadableAudioError("empty", what, path, msg("Remove it, or export it again."))
        case "lfs":
            what = msg("this is a Git LFS pointer, not the sound itself")
            raise UnreadableAudioError("pointer", what, path, msg("Run `git lfs pull`."))
        case "playlist":
            what = msg("this is a playlist that names other files, not the sound itself")
            raise UnreadableAudioError("text", what, path, msg("Remove it, or put the sound there."))
        case "text":
            what = msg("this is a text file named {suffix}, not audio", suffix=path.suffix or msg("like audio"))
            raise UnreadableAudioError("text", what, path, msg("Remove it, or put the sound there."))


def _reason(error: Exception) -> str | Message:
    text = str(getattr(error, "error_string", error)).removeprefix("Error : ").strip().rstrip(".")
    if "does not exist" in text:  # what libsndfile says of bytes that are no MPEG stream
        return msg("format not recognised")
    return text[:1].lower() + text[1:]
