"""Audio on the page: a source that plays offline, and a picture of what is heard."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from tunesmith.audio.problems import UnreadableAudioError
from tunesmith.report.pictures import COLUMNS, Picture, SoundView, draw
from tunesmith.texts import Message, as_message, msg

Array = NDArray[np.floating]

BUDGET_BYTES = 12_000_000
"""Most audio that is put into the page itself; with more, a browser opens it slowly and mail refuses it."""

SHOWN_SECONDS = 180.0
"""Most of a file that is drawn."""

_FINE_PICTURES, _FEWEST_COLUMNS = 36, 96
_BYTES_PER_SECOND = 13_000  # of one channel: libsndfile's MP3 at quality 0.5, in base64
_MP3_RATES = {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000}
_PLAYED_BY_BROWSERS = {".mp3": "audio/mpeg", ".ogg": "audio/ogg"}
_BLOCK = 65536  # libsndfile's encoders keep a whole write on the stack


@dataclass(frozen=True)
class MediaClip:
    """One player.

    Attributes:
        file: The file's name, as it is found from the report.
        source: What the player plays: a ``data:`` URI or a relative link; empty when there is nothing to play.
        seconds: Length of the audio.
        picture: Spectrogram and loudness curve; ``None`` when the file cannot be read.
        problem: Why there is nothing to play, or ``None``.
    """

    file: str
    source: str = ""
    seconds: float = 0.0
    picture: Picture | None = None
    problem: Message | None = None


class AudioEmbedder:
    """Makes the players of one page.

    Args:
        home: The folder of the page, which links are relative to.
        embed: Put the audio into the page.
        pictures: About how many will be drawn; of many each is coarser, so that the page stays small.
    """

    def __init__(self, home: Path, *, embed: bool, pictures: int = 0) -> None:
        self.home, self.embed = home, embed
        self.columns = max(_FEWEST_COLUMNS, min(COLUMNS, COLUMNS * _FINE_PICTURES // max(1, pictures)))

    def row(
        self, paths: Sequence[Path | None], *, seconds: float | None = None, compact: bool = False
    ) -> list[MediaClip | None]:
        """Players of one row, drawn on shared axes and with shared colours.

        Args:
            paths: Audio files; ``None`` stays ``None``.
            seconds: What the time axis spans; the longest file by default.
            compact: Small pictures.
        """
        read = [None if path is None else _read(path) for path in paths]
        sounds = [item for item in read if isinstance(item, SoundView)]
        span = min(seconds or max((len(s.audio) / s.rate for s in sounds), default=1.0), SHOWN_SECONDS)
        pictures = iter(draw(sounds, max(span, 0.1), compact=compact, columns=self.columns))
        clips: list[MediaClip | None] = []
        for path, item in zip(paths, read, strict=True):
            if path is None:
                clips.append(None)
            elif isinstance(item, SoundView):
                source = self._source(path)
                clips.append(MediaClip(self._name(path), source, item.seconds, next(pictures)))
            else:
                clips.append(MediaClip(self._name(path), problem=item))
        return clips

    def _name(self, path: Path) -> str:
        return Path(os.path.relpath(path, self.home)).as_posix()

    def _source(self, path: Path) -> str:
        if not self.embed:
            return quote(os.fsencode(self._name(path)))
        kind, data = encode(path)
        return data_uri(kind, data)


def data_uri(kind: str, data: bytes) -> str:
    """``data`` inside a page."""
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def fits(paths: Iterable[Path]) -> bool:
    """Whether these files can go into the page: estimated from their lengths, so that nothing is encoded in vain."""
    from tunesmith.audio.decode import probe

    total = 0.0
    for path in paths:
        try:
            info = probe(path)
        except UnreadableAudioError:
            continue
        total += info.seconds * min(info.channels, 2) * _BYTES_PER_SECOND
        if total > BUDGET_BYTES:
            return False
    return True


def encode(path: Path) -> tuple[str, bytes]:
    """The audio of ``path`` in the smallest form that browsers play: MIME type and bytes.

    MP3 where its sample rates allow, else Ogg Vorbis, else 16-bit WAV; MP3 and Ogg files as they are.
    """
    import soundfile

    if path.suffix.lower() in _PLAYED_BY_BROWSERS:
        return _PLAYED_BY_BROWSERS[path.suffix.lower()], path.read_bytes()
    audio, rate = soundfile.read(str(path), dtype="float32", always_2d=True)
    return encode_samples(audio, rate)


def encode_samples(audio: Array, rate: int) -> tuple[str, bytes]:
    """Samples (N, C), full scale ±1, in the smallest form that browsers play: MIME type and bytes."""
    import soundfile

    audio = np.clip(np.nan_to_num(audio[:, :2], nan=0.0), -1, 1)
    mp3 = [("audio/mpeg", "MP3", "MPEG_LAYER_III")] if rate in _MP3_RATES else []
    for kind, form, subtype in (*mp3, ("audio/ogg", "OGG", "VORBIS")):
        try:
            return kind, _write(audio, rate, form, subtype, compression_level=0.5)
        except (soundfile.SoundFileError, ValueError):
            continue  # this libsndfile was built without the encoder
    return "audio/wav", _write(audio, rate, "WAV", "PCM_16")


def _write(audio: Array, rate: int, form: str, subtype: str, compression_level: float | None = None) -> bytes:
    import soundfile

    buffer = io.BytesIO()
    with soundfile.SoundFile(
        buffer, "w", rate, audio.shape[1], format=form, subtype=subtype, compression_level=compression_level
    ) as file:
        for start in range(0, len(audio), _BLOCK):
            file.write(audio[start : start + _BLOCK])
    return buffer.getvalue()


def _read(path: Path) -> SoundView | Message:
    """The first minutes of a file, or why it cannot be read."""
    from tunesmith.audio.decode import blocks, open_audio

    try:
        with open_audio(path) as sound:
            rate, seconds = sound.samplerate, sound.frames / sound.samplerate
            audio = np.concatenate(list(blocks(sound, str(path), end=SHOWN_SECONDS)), axis=1).T
    except UnreadableAudioError as error:
        if error.kind == "empty":
            return msg("no samples")
        return as_message(error.what) if path.exists() else msg("no such file")
    return SoundView(np.nan_to_num(audio, nan=0.0, posinf=0.0, neginf=0.0), rate, seconds)
