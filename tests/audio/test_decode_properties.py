"""Whatever bytes stand in a sound file: audio, or a sentence; never a hang, a crash or another exception."""

from __future__ import annotations

import io
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from tests.properties import bounded
from tunesmith.audio.decode import probe, read
from tunesmith.errors import TunesmithError

FORMATS = {"ogg": "VORBIS", "mp3": "MPEG_LAYER_III"}
FORMATS |= dict.fromkeys(("wav", "flac", "aiff", "au", "caf", "w64", "rf64"), "PCM_16")
RATE, SECONDS = 8000, 0.5
LONGEST = 30.0
"""Seconds that the decoding of half a second of sound may take before it counts as hanging."""


def sound_bytes(kind: str) -> bytes:
    noise = np.random.default_rng(0).standard_normal(round(RATE * SECONDS)).astype(np.float32)
    file = io.BytesIO()
    soundfile.write(file, 0.1 * noise, RATE, format=kind.upper(), subtype=FORMATS[kind])
    return file.getvalue()


WHOLE = {kind: sound_bytes(kind) for kind in FORMATS}


def decoded(path: str) -> str:
    """What comes of a file, in a process that may die of it: ``audio``, the sentence, or the exception's name."""
    try:
        info = probe(path)
        audio, rate = read(path)
    except TunesmithError as error:
        return f"refused: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    fits = audio.dtype == np.float32 and audio.ndim == 2 and np.isfinite(audio).all() and rate == info.sample_rate
    return "audio" if fits else f"audio of {audio.dtype}, {audio.shape}"


@pytest.fixture(scope="module")
def decoder() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, bytes]:
    """A sound file cut off, with bytes changed (often in its header), left out or put in, two in one, or any bytes."""
    kind = draw(st.sampled_from(sorted(FORMATS)))
    content = bytearray(WHOLE[draw(st.sampled_from([kind, *sorted(FORMATS)]))])
    content += WHOLE[kind] if draw(st.integers(0, 3)) == 0 else b""
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, 80) | st.integers(0, len(content)))
        new = draw(st.binary(max_size=8) | st.sampled_from([b"\xff" * 4, b"\x00" * 4, b"\x7f\xff\xff\xff"]))
        content[place : place + draw(st.sampled_from([len(new), 0, 4]))] = new
    if draw(st.booleans()):
        content = content[: draw(st.integers(0, len(content)))]
    return kind, bytes(content) if draw(st.integers(0, 9)) else draw(st.binary(max_size=200))


@bounded(300)
@given(damaged())
def test_any_bytes_are_audio_or_a_sentence(
    decoder: ProcessPoolExecutor, tmp_path_factory: pytest.TempPathFactory, case: tuple[str, bytes]
) -> None:
    kind, content = case
    path = Path(tmp_path_factory.getbasetemp()) / f"damaged.{kind}"
    path.write_bytes(content)
    outcome = decoder.submit(decoded, str(path)).result(timeout=LONGEST)
    assert outcome == "audio" or outcome.startswith("refused: "), outcome
    if outcome != "audio":
        assert str(path) in outcome


@pytest.mark.parametrize("kind", FORMATS)
def test_the_whole_files_are_audio(kind: str, decoder: ProcessPoolExecutor, tmp_path: Path) -> None:
    path = tmp_path / f"whole.{kind}"
    path.write_bytes(WHOLE[kind])
    assert decoder.submit(decoded, str(path)).result(timeout=LONGEST) == "audio"
