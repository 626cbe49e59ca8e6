"""What is known about one clip's sound: plain numbers, kept between runs so that nothing is measured twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunesmith.data.sample import AudioRef
from tunesmith.files import atomic_path, write_text
from tunesmith.texts import NOTHING, Message

if TYPE_CHECKING:
    import numpy as np

_VERSION = 3  # raise when a measurement changes its meaning, so that old facts are measured anew


@dataclass(frozen=True)
class ClipFacts:
    """One audio as measured. Levels are of full scale 1; ``None`` means "not measured" or "cannot be measured".

    Attributes:
        sample_rate: In Hz.
        channels: How many.
        format: The container's name.
        seconds: Length of the referenced span.
        file_seconds: Length of the whole file.
        header_seconds: The same by the file's header; ``None`` where it leaves that open.
        streams: Streams that stand in the file one behind the other.
        tracks: Audio tracks that lie side by side in it, of which one is read.
        problem: Kind of reason why it cannot be read (see ``audio.problems``); empty when it can.
        reason: The sentence for it.
        remedy: What to do about it.
        decoded: Whether the sound itself was measured; a header beyond the limits is not decoded.
        nonfinite: NaN or infinite samples.
        peak: Largest absolute sample.
        rms: Root mean square over all channels.
        dc: Largest channel mean.
        clipped_share: Share of samples in flat tops.
        silent_share: Share of 50 ms pieces under -60 dBFS.
        silent_start: Seconds of silence before the sound.
        silent_end: Seconds of silence after it.
        channel_gap_db: Level of the loudest over the quietest channel.
        quietest_channel: Which one that is, counted from 1.
        side_db: Left-minus-right over left-plus-right energy; ``None`` for mono.
        fade_db: Level lost from the first to the last third.
        fade_trend: -1 for a steady fall … +1 for a steady rise.
        content: Hash of the decoded samples.
        lufs: Integrated loudness.
        band_edge_hz: Where the spectrum ends in a cliff; Nyquist when it does not.
        band_drop_db: How far it falls there.
        kbps: Bits of the file per second of it, in thousands; 0 when unknown.
        peak_share: Share of the milliseconds whose peak is within 0.5 dB of the clip's.
        pause: Longest silence between sound and sound, in seconds.
        pause_start: Where it begins.
        dropouts: Short holes with hard edges.
        dropout_start: Where the first one is.
        dropout_seconds: How long the longest is.
        noise_share: Share of the windows of 2 s that are noise.
        noise_tail: Seconds of nothing but noise at the end of what is more than noise.
        steady_share: Share of the bins from 2 to 16 kHz that move as steady noise does.
        steady_db: Its level under the clip's loud level.
        hum_hz: 50 or 60 where lines of the mains stand out, else 0.
        hum_lines: How many do.
        hum_over_db: How far over their neighbours.
        hum_db: Their level.
        clicks: Impulses that stand alone.
        beeps: Pure tones of the pitch that has most of them.
        beep_hz: That pitch.
        beep_start: Where the first one is.
        beep_over_db: How far the clearest rises over its neighbours.
        beep_pitches: How many pitches have such tones: many are a tune.
        tempo_bpm: Beats per minute; the octave may be another.
        tempo_confidence: How sure that is; beatless music stays under 0.2.
    """

    sample_rate: int = 0
    channels: int = 0
    format: str = ""
    seconds: float = 0.0
    file_seconds: float = 0.0
    header_seconds: float | None = None
    streams: int = 1
    tracks: int = 1
    problem: str = ""
    reason: Message = NOTHING
    remedy: Message = NOTHING
    decoded: bool = True
    nonfinite: int = 0
    peak: float = 0.0
    rms: float = 0.0
    dc: float = 0.0
    clipped_share: float = 0.0
    silent_share: float = 0.0
    silent_start: float = 0.0
    silent_end: float = 0.0
    channel_gap_db: float = 0.0
    quietest_channel: int = 1
    side_db: float | None = None
    fade_db: float = 0.0
    fade_trend: float = 0.0
    content: str = ""
    lufs: float | None = None
    band_edge_hz: float | None = None
    band_drop_db: float | None = None
    kbps: float = 0.0
    peak_share: float = 0.0
    pause: float = 0.0
    pause_start: float = 0.0
    dropouts: int = 0
    dropout_start: float = 0.0
    dropout_seconds: float = 0.0
    noise_share: float | None = None
    noise_tail: float = 0.0
    steady_share: float | None = None
    steady_db: float | None = None
    hum_hz: float = 0.0
    hum_lines: int = 0
    hum_over_db: float = 0.0
    hum_db: float = -120.0
    clicks: int = 0
    beeps: int = 0
    beep_hz: float = 0.0
    beep_start: float = 0.0
    beep_over_db: float = 0.0
    beep_pitches: int = 0
    tempo_bpm: float | None = None
    tempo_confidence: float | None = None


_DEFAULTS = ClipFacts()


def fact_key(ref: AudioRef) -> str:
    """Names one audio as it lies on disk now: path, span, size and time of change; empty when there is no file."""
    try:
        stat = Path(ref.path).stat()
    except OSError:
        return ""
    text = f"{_VERSION}|{Path(ref.path).absolute()}|{ref.start}|{ref.end}|{stat.st_size}|{stat.st_mtime_ns}"
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


class FactStore:
    """Facts of earlier runs in ``facts.jsonl``, landmarks beside it in ``facts.npz``; both may be deleted any time.

    Args:
        path: The ``.jsonl`` file; ``None`` keeps nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._facts: dict[str, ClipFacts] = {}
        self._marks: Mapping[str, np.ndarray] = {}
        if path is not None and path.exists():
            self._facts = _read_facts(path)
            self._marks = _read_marks(path.with_suffix(".npz"))

    def get(self, key: str, *, signals: bool, fingerprint: bool) -> tuple[ClipFacts, np.ndarray | None] | None:
        """Known facts, if they hold all that is asked for."""
        facts = self._facts.get(key)
        if facts is None:
            return None
        marks = self._marks.get(key)
        if facts.decoded and ((signals and facts.lufs is None) or (fingerprint and marks is None)):
            return None
        return facts, marks

    def known(self) -> dict[str, tuple[ClipFacts, np.ndarray | None]]:
        """All facts that were kept, by key."""
        return {key: (facts, self._marks.get(key)) for key, facts in self._facts.items()}

    def save(self, known: Mapping[str, tuple[ClipFacts, np.ndarray | None]]) -> None:
        """Keep these facts and no others: those of files that have gone are forgotten."""
        if self.path is None:
            return
        import numpy as np

        lines = [json.dumps({"key": key, **_without_defaults(facts)}) for key, (facts, _) in known.items() if key]
        with atomic_path(self.path.with_suffix(".npz")) as temporary:
            arrays: dict[str, Any] = {key: marks for key, (_, marks) in known.items() if key and marks is not None}
            np.savez(temporary, **arrays)
        write_text(self.path, "".join(f"{line}\n" for line in lines))


def _without_defaults(facts: ClipFacts) -> dict[str, Any]:
    told = {name: value for name, value in vars(facts).items() if value != getattr(_DEFAULTS, name)}
    return {name: asdict(value) if isinstance(value, Message) else value for name, value in told.items()}


def _read_facts(path: Path) -> dict[str, ClipFacts]:
    """Lines that are no facts (an older version, a damaged file) are left out, and measured again."""
    names = {f.name for f in fields(ClipFacts)}
    known = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            record = json.loads(line)
            key = record.pop("key")
        except (ValueError, KeyError, AttributeError, TypeError):
            continue
        if isinstance(key, str) and set(record) <= names:
            known[key] = ClipFacts(**record)
    return known


def _read_marks(path: Path) -> dict[str, np.ndarray]:
    import zipfile

    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name].astype(np.int32) for name in arrays.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return {}
