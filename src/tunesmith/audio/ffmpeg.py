"""m4a, aac and wma through the system's ffmpeg: no Python decoder for them is both free of copyleft and light."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tunesmith.audio.problems import UnreadableAudioError
from tunesmith.texts import msg

_TIMEOUT_SECONDS = 600


@contextmanager
def converted(path: Path) -> Iterator[Path]:
    """Yield a temporary 32-bit float WAV with the sound of ``path`` at its own rate and channels.

    Raises:
        UnreadableAudioError: without an ffmpeg on the path, or when it cannot read the file.
    """
    program = shutil.which("ffmpeg")
    if program is None:
        what = msg("this format ({suffix}) needs ffmpeg", suffix=path.suffix or msg("no suffix"))
        raise UnreadableAudioError("ffmpeg", what, path, msg("Install ffmpeg or convert to WAV."))
    with tempfile.TemporaryDirectory(prefix="tunesmith-") as folder:
        target = Path(folder) / "audio.wav"
        source = f"file:{path.absolute()}"  # the prefix keeps a colon in a name from being taken for a protocol
        command = [program, "-v", "error", "-nostdin", "-y", "-i", source, "-vn", "-c:a", "pcm_f32le", str(target)]
        try:
            result = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False)
        except subprocess.TimeoutExpired as error:
            what = msg("ffmpeg did not finish within {seconds} s", seconds=_TIMEOUT_SECONDS)
            raise UnreadableAudioError("ffmpeg", what, path, msg("Convert it to WAV.")) from error
        if result.returncode or not target.exists():
            lines = result.stderr.strip().splitlines()
            reason = lines[-1] if lines else msg("no reason given")
            what = msg("ffmpeg cannot read this file ({reason})", reason=reason)
            raise UnreadableAudioError("ffmpeg", what, path, msg("Convert it to WAV."))
        yield target
