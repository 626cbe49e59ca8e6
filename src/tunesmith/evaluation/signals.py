"""One measurement of one clip: every number that the rules, the checks and the report read."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.audio.measure.hum import hum
from tunesmith.audio.measure.loudness import as_channels, loudness_curve, loudness_signals
from tunesmith.audio.measure.spectrum import bandwidth, spectrum_signals
from tunesmith.audio.measure.structure import structure_signals
from tunesmith.audio.measure.waveform import waveform_signals
from tunesmith.errors import TunesmithError
from tunesmith.texts import msg

__all__ = ["SPECTRAL_LIMIT_S", "Signals", "loudness_curve", "measure"]

_HUM_LIMIT_S = 30.0
SPECTRAL_LIMIT_S = 300.0  # spectra of longer tracks are taken from their middle, so that memory stays bounded


@dataclass(frozen=True)
class Signals:
    """What was measured on one clip. NaN means "cannot be measured here" (too short, silent, or mono).

    Attributes:
        duration_s: Length in seconds.
        sample_rate: In Hz.
        channels: How many.
        nonfinite: Share of samples that are NaN or infinite (they count as zero everywhere else).
        lufs: Integrated loudness.
        lra: Loudness range in dB.
        fade_drop3: Loudness lost from the first to the last third, dB.
        fade_slope: Slope of loudness, dB/s; negative falls.
        fade_tau: Share of rising minus falling pairs of seconds, -1…1.
        dead_tail_s: Trailing seconds that stay 20 dB under the loud level.
        silence_ratio: Share of the clip under -60 LUFS.
        lead_sil_s: Leading seconds under -60 dBFS.
        trail_sil_s: Trailing seconds under -60 dBFS.
        peak: Largest absolute sample.
        crest_db: Peak over RMS, dB.
        dc: Largest channel mean.
        dc_ratio: ``dc`` over RMS.
        clip_frac: Share of samples glued to the peak, or ``over_frac`` where that is more.
        peak_bin_ratio: Pile-up of amplitudes just under the peak.
        side_mid_db: Side over mid energy, dB.
        stereo_corr: Left-right correlation.
        lr_diff_db: Level difference of left and right, dB.
        flatness: Spectral flatness, 0 tone … 1 flat.
        flat_white: Spectral flatness after removing the envelope; 0.56 for noise of any colour.
        fine_corr: Persistence of fine spectral structure; 0 for noise.
        noise_share: Share of 2 s windows that are noise.
        noise_onset_s: Second where the longest stretch of noise begins.
        noise_end_s: Second where it ends.
        noise_std_db: How much the level moves in there, dB; noise stands still, a whisper does not.
        centroid_hz: Spectral centre of gravity.
        sub_share: Share of energy under 120 Hz.
        band_edge_hz: Where the spectrum falls off a cliff; Nyquist when it does not.
        band_drop_db: How far it falls there.
        eff_rank: Effective number of independent spectral movements.
        mel_adj_corr_c: Likeness of moments 40 ms apart.
        loop_sim: Greatest likeness at a lag of 0.16-4 s.
        loop_lag_s: That lag.
        flux: Mean rise of the spectrum, dB per 20 ms.
        pulse: Strength of a regular beat, about 0…1.
        held_s: Longest time over which the sound hardly changes.
        modulation_db: Slow movement over fast movement; syllables are slow, random tokens fast.
        repeat_share: Share of seconds that repeat the sound one lag earlier.
        repeat_lag_s: That lag.
        stutter_s: Seconds in which a piece of 40-250 ms comes four times or more.
        tempo_bpm: Estimated tempo.
        tempo_confidence: Its strength; beatless music stays under 0.2.
        low_env_std_db: Movement of the level under 150 Hz, dB.
        low_env_lag1: Its correlation over 40 ms.
        dropouts: Short holes with hard edges.
        hum_lines: Multiples of the mains that stand out all the time, at 50 or at 60 Hz.
        hum_over_db: How far the best three rise over what lies beside them.
        over_frac: Share of samples beyond full scale; of a file of a model's output, before it was turned down.
        gain_db: What such a file was turned down by, 0 or less.
        at_end: 1 where the clip reaches the end of its recording, where music may well die away.

    Source of the formulas and thresholds: measured on 260 clean clips (synthesised and real, 12 s,
    32 kHz) and 31 simulated failures of each.
    """

    duration_s: float
    sample_rate: int
    channels: int
    nonfinite: float
    lufs: float
    lra: float
    fade_drop3: float
    fade_slope: float
    fade_tau: float
    dead_tail_s: float
    silence_ratio: float
    lead_sil_s: float
    trail_sil_s: float
    peak: float
    crest_db: float
    dc: float
    dc_ratio: float
    clip_frac: float
    peak_bin_ratio: float
    side_mid_db: float
    stereo_corr: float
    lr_diff_db: float
    flatness: float
    flat_white: float
    fine_corr: float
    noise_share: float
    noise_onset_s: float
    noise_end_s: float = field(default=math.nan, kw_only=True)
    noise_std_db: float = field(default=math.nan, kw_only=True)
    centroid_hz: float
    sub_share: float
    band_edge_hz: float
    band_drop_db: float
    eff_rank: float
    mel_adj_corr_c: float
    loop_sim: float
    loop_lag_s: float
    flux: float
    pulse: float
    held_s: float = field(default=math.nan, kw_only=True)
    modulation_db: float = field(default=math.nan, kw_only=True)
    repeat_share: float
    repeat_lag_s: float
    stutter_s: float = field(default=math.nan, kw_only=True)
    tempo_bpm: float
    tempo_confidence: float
    low_env_std_db: float
    low_env_lag1: float
    dropouts: float = field(default=math.nan, kw_only=True)
    hum_lines: float = field(default=math.nan, kw_only=True)
    hum_over_db: float = field(default=math.nan, kw_only=True)
    over_frac: float = field(default=0.0, kw_only=True)
    gain_db: float = field(default=0.0, kw_only=True)
    at_end: float = field(default=0.0, kw_only=True)

    @property
    def live(self) -> bool:
        """Whether there is sound to judge: rules about its quality have nothing to say on silence."""
        return self.lufs > -50

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary; NaN becomes ``None`` because JSON has no NaN."""
        return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in asdict(self).items()}

    @staticmethod
    def from_json(record: dict[str, Any]) -> Signals:
        """The inverse of :meth:`to_json`; a field missing from an older file is NaN."""
        names = [each.name for each in fields(Signals)]
        values: dict[str, Any] = {n: math.nan if record.get(n) is None else record[n] for n in names}
        return Signals(**values)


def measure(audio: NDArray[np.floating], sample_rate: int) -> Signals:
    """Measures one clip; never fails on short, silent, broken or oddly sampled audio.

    Args:
        audio: (N,) or (N, C), full scale ±1. Integers are taken as they are, so scale them first.
        sample_rate: In Hz, from 1 kHz. Thresholds were fitted at 32 kHz; formulas in Hz stop at Nyquist.

    Returns:
        Signals. Spectra and structure of tracks over 300 s come from their middle 300 s.

    Raises:
        TunesmithError: when the shape or the sample rate makes no sense.
    """
    audio = np.asarray(audio)
    if audio.ndim not in (1, 2) or sample_rate <= 0:
        shape = "x".join(map(str, audio.shape))
        raise TunesmithError(
            msg("cannot measure an array of shape {shape} at {sample_rate} Hz", shape=shape, sample_rate=sample_rate),
            remedy=msg("Pass (samples,) or (samples, channels)."),
        )
    samples = as_channels(audio)
    broken = 0.0 if samples is audio or audio.size == 0 else float((~np.isfinite(audio)).mean())
    mono = _audible_mono(samples, sample_rate)
    edge, drop = bandwidth(mono, sample_rate)
    values: dict[str, Any] = {
        "duration_s": len(samples) / sample_rate,
        "sample_rate": int(sample_rate),
        "channels": samples.shape[1],
        "nonfinite": broken,
        "band_edge_hz": edge,
        "band_drop_db": drop,
    }
    over = float(np.count_nonzero(np.abs(samples) > 1.0)) / max(1, samples.size)
    values |= loudness_signals(loudness_curve(samples, sample_rate)) | waveform_signals(samples, sample_rate)
    values |= {"over_frac": over, "clip_frac": max(over, values["clip_frac"])}
    values |= spectrum_signals(mono, sample_rate) | structure_signals(mono, sample_rate)
    mains = hum(mono[: int(_HUM_LIMIT_S * sample_rate)], sample_rate)
    values |= {"hum_lines": float(mains.lines), "hum_over_db": mains.over_db}
    return Signals(**values)


def _audible_mono(samples: NDArray[np.floating], sample_rate: int) -> NDArray[np.floating]:
    """The mix that is analysed; where the channels cancel out, the first channel stands in for it."""
    limit = int(SPECTRAL_LIMIT_S * sample_rate)
    start = max(0, (len(samples) - limit) // 2)
    part = samples[start : start + limit].astype(np.float32)
    if part.size == 0:
        return np.zeros(0, np.float32)
    part -= part.mean(axis=0)  # an offset is neither bass nor a spectral peak; ``dc`` reports it
    mono = np.asarray(sum(part.T)) / np.float32(part.shape[1])  # column by column: several times faster than by rows
    cancelled = float(np.square(mono).mean()) < 1e-4 * float(np.square(part).mean())
    return part[:, 0] if cancelled and part.shape[1] > 1 else mono
