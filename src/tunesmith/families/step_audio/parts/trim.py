"""From any recording to the one trimmed wave, at both rates, from which mel, tokens and speaker vector are made.

Upstream takes the mel of a prompt from the whole recording and its tokens from a trimmed copy, then stretches the mel
to the tokens' length, so that the two disagree in time by up to the silence that was cut. A flow trained on such pairs
learns the disagreement. Here the silence is found once, at the tokenisers' rate, and the same span, in seconds, is cut
from the recording at the mel's rate: one order for training and for inference.

Two levels remain, as upstream has them: the tokenisers get every clip at the same peak, the mel keeps the level of the
recording (at most 0.6), which is the level that the flow will speak at.

Source: ``trim_silence``, ``energy_norm_fn`` and ``preprocess_prompt_wav`` of Step-Audio-EditX; the detection of silence
is that of ``librosa.effects.trim``. Shapes: N samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from tunesmith.audio.sinc import sinc_resample
from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.config import SAMPLE_RATE, TOKENIZER_RATE
from tunesmith.texts import msg

PEAK = 0.6
"""Louder recordings are scaled down to this peak."""
TOKENIZER_PEAK, SILENT_PEAK = 0.999, 0.01
"""Peak of what the tokenisers get; a recording below the second is raised as if its peak were that."""
_AMPLITUDE_FLOOR = 1e-5
_FRAMES_AT_ONCE = 8192  # squared in memory at once, 65 s of 8 ms each


@dataclass(frozen=True)
class TrimRule:
    """What counts as silence, and how much of it stays.

    Attributes:
        top_db: Frames this far below the loudest one are silent, dB.
        frame_length: Samples that a frame's level is measured over.
        hop_length: Samples between frames.
        keep_left_time: Seconds kept before the first frame that is not silent.
        keep_right_time: Seconds kept after the last one.
        hop_size: What lies between is lengthened to a multiple of this many samples.
    """

    top_db: float = 20
    frame_length: int = 512
    hop_length: int = 128
    keep_left_time: float = 0.05
    keep_right_time: float = 0.22
    hop_size: int = 240


@dataclass(frozen=True)
class Span:
    """Samples to keep: ``start`` may lie before the audio and the end behind it, where zeros stand."""

    start: int
    length: int

    def at(self, from_rate: int, to_rate: int) -> Span:
        """The same stretch of time at another rate, to the nearest sample."""
        return Span(round(self.start * to_rate / from_rate), round(self.length * to_rate / from_rate))

    def cut(self, wave_N: torch.Tensor) -> torch.Tensor:
        """The span of a wave, (length,)."""
        kept = wave_N[max(self.start, 0) : max(self.start + self.length, 0)]
        before = min(max(-self.start, 0), self.length)
        return F.pad(kept, (before, self.length - before - len(kept)))


@dataclass(frozen=True)
class PreparedVoice:
    """One cut of a recording at both rates; ``wave_24k`` is exactly as long, in seconds, as ``wave_16k``.

    Attributes:
        wave_24k: 24 kHz, at the recording's level (peak at most 0.6): what the mel is made of.
        wave_16k: 16 kHz, peak 0.999: what the tokenisers and the speaker encoder get. The latter subtracts the mean of
            log energies, so the level changes nothing there.
    """

    wave_24k: torch.Tensor
    wave_16k: torch.Tensor

    @property
    def seconds(self) -> float:
        """Duration of both."""
        return len(self.wave_16k) / TOKENIZER_RATE


def prepare_voice(wave_N: torch.Tensor, rate: int, *, trim: bool = True, level: bool = True) -> PreparedVoice:
    """Level and trim a mono recording once, for mel and tokens alike.

    The trimmed length is a whole number of 15 ms by the rule, so both waves cover the same time to the sample: the mel
    has F = N24 // 480 frames and 25 Hz codes number F / 2 within one.

    Args:
        wave_N: Mono audio, float, nominally within ±1.
        rate: Its sample rate, Hz.
        trim: Whether silence around the speech is cut.
        level: Whether peaks are brought to their usual height.

    Returns:
        The cut at 24 and 16 kHz, float32.

    Raises:
        TunesmithError: for a recording below 16 kHz (upstream refuses those too) or without samples.
    """
    if rate < TOKENIZER_RATE:
        raise TunesmithError(
            msg(
                "this recording has {rate} Hz, and the speech tokenisers need at least {lowest_rate}",
                rate=rate,
                lowest_rate=TOKENIZER_RATE,
            ),
            remedy=msg("Use a recording of 16 kHz or more; raising the rate brings back nothing that was lost."),
        )
    if not len(wave_N):
        raise TunesmithError(msg("this recording holds no samples"), remedy=msg("Use another recording."))
    levelled_N = limit_peak(wave_N.float()) if level else wave_N.float()
    wave_16k = sinc_resample(levelled_N, rate, TOKENIZER_RATE)
    wave_16k = energy_norm(wave_16k) if level else wave_16k
    span = find_speech(wave_16k, TOKENIZER_RATE, TrimRule()) if trim else Span(0, len(wave_16k))
    wave_24k = sinc_resample(levelled_N, rate, SAMPLE_RATE)
    return PreparedVoice(span.at(TOKENIZER_RATE, SAMPLE_RATE).cut(wave_24k), span.cut(wave_16k))


def limit_peak(wave_N: torch.Tensor) -> torch.Tensor:
    """Scale a wave whose peak is above 0.6 down to it."""
    peak = wave_N.abs().max()
    return wave_N / peak * PEAK if peak > PEAK else wave_N


def energy_norm(wave: torch.Tensor) -> torch.Tensor:
    """Scale to a peak of 0.999, and what is nearly silent by no more than that over 0.01."""
    return wave / wave.abs().max().clamp(min=SILENT_PEAK) * TOKENIZER_PEAK


def trim_silence(wave_N: torch.Tensor, rate: int, rule: TrimRule) -> torch.Tensor:
    """The wave without the silence around it; zeros stand where the rule keeps more than there is."""
    return find_speech(wave_N, rate, rule).cut(wave_N)


def find_speech(wave_N: torch.Tensor, rate: int, rule: TrimRule) -> Span:
    """What :func:`trim_silence` keeps, so that the same can be kept of the same recording at another rate."""
    half = rule.frame_length // 2
    frames = F.pad(wave_N, (half, half)).unfold(0, rule.frame_length, rule.hop_length)
    powers = torch.cat([part.square().mean(dim=-1) for part in frames.split(_FRAMES_AT_ONCE)])
    level = powers.sqrt().clamp(min=_AMPLITUDE_FLOOR)
    loud = torch.nonzero(20 * torch.log10(level / level.max()) > -rule.top_db)[:, 0]
    first = int(loud[0]) * rule.hop_length
    last = min(len(wave_N), (int(loud[-1]) + 1) * rule.hop_length)
    hops = -(-(last - first) // rule.hop_size)
    kept = (rule.keep_left_time + rule.keep_right_time) * rate
    return Span(first - int(rule.keep_left_time * rate), int(hops * rule.hop_size + kept))
