"""Lossless files whose sound went through a lossy codec before, and files that are compressed hard themselves."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import Audio, CheckContext
from tunesmith.records.findings import Finding
from tunesmith.texts import msg

LOSSLESS = frozenset({"WAV", "WAVEX", "RF64", "W64", "FLAC", "AIFF", "CAF", "ALAC"})
_LEAST_RATE = 44_100
_LOWEST_EDGE_HZ = 15_000.0


def check(context: CheckContext) -> Iterator[Finding]:
    """Warning for lossless files with a cliff where MP3 of 128 kbit/s has its own; a note about MP3 of few bits.

    What ends lower is ``upsampled``'s, where the model could use more.
    """
    few_bits = []
    for audio in context.decoded():
        facts = audio.facts
        if facts.format == "MP3" and 0 < facts.kbps < context.limits.mp3_kbps:
            few_bits.append(audio)
        edge, drop = facts.band_edge_hz, facts.band_drop_db
        if edge is None or drop is None or facts.format not in LOSSLESS or facts.sample_rate < _LEAST_RATE:
            continue
        reachable = min(facts.sample_rate, context.model_sample_rate) / 2
        limit = context.limits.lossy_edge_hz
        lowest = max(_LOWEST_EDGE_HZ, context.limits.upsampled_share * reachable)
        if lowest <= edge < limit and drop >= context.limits.lossy_cliff_db:
            yield _lossy(audio, edge, drop, limit)
    if few_bits:
        yield _few_bits(few_bits, len(context.clips), context.limits.mp3_kbps)


def _lossy(audio: Audio, edge: float, drop: float, limit: float) -> Finding:
    return Finding(
        check="lossy_source",
        level="warn",
        clip=audio.clip,
        message=msg(
            "{subject} is a lossless file of a lossy source: its sound ends at {edge:.0f} Hz in a cliff of {drop:.0f} "
            "dB, under {limit:.0f} Hz, as MP3 of about 128 kbit/s does",
            subject=audio.subject,
            edge=edge,
            drop=drop,
            limit=limit,
        ),
        value=edge,
        limit=limit,
        unit="Hz",
        remedy=msg("Use the original, or a download of a higher bit rate: the swirling of the codec is learnt too."),
    )


def _few_bits(audios: list[Audio], clips: int, limit: float) -> Finding:
    lowest = min(audios, key=lambda audio: audio.facts.kbps)
    return Finding(
        check="lossy_source",
        level="info",
        clip="*",
        message=msg(
            "{count} of {clips} files are MP3 of less than {limit:.0f} kbit/s, the lowest {clip} with {kbps:.0f}",
            count=len(audios),
            clips=clips,
            limit=limit,
            clip=lowest.clip,
            kbps=lowest.facts.kbps,
        ),
        value=lowest.facts.kbps,
        limit=limit,
        unit="kbit/s",
        remedy=msg("Use better copies where there are any; what the codec left out, the adapter cannot learn."),
    )
