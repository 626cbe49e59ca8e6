"""Every limit of the checks with its reason: the ``checks:`` section of a recipe."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tunesmith.records.settings import CLIPS, Positive, Section, Share


class CheckLimits(Section):
    """A clip is held against these limits. An error puts it into quarantine, a warning only tells."""

    decides = CLIPS

    min_seconds: Positive = 1.0
    """Shorter clips are errors: a codec's first and last frames are most of them."""
    short_seconds: Positive = 5.0
    """Shorter clips are warnings: too short to teach how music goes on."""
    max_seconds: Positive = 3600.0
    """Longer files are errors: an hour in one file is a mix or a mistake, and is better cut into tracks."""
    max_channels: Annotated[int, Field(ge=1)] = 2
    """More channels are errors: which of them is the music cannot be guessed."""
    min_sample_rate: Annotated[int, Field(gt=0)] = 8_000
    """Lower rates (Hz) are errors: nothing of a hi-hat or a consonant is left."""
    max_sample_rate: Annotated[int, Field(gt=0)] = 192_000
    """Higher rates (Hz) are errors: no recorder makes them, so the header is wrong."""
    silent_share: Share = 0.5
    """A greater share of silence in a clip is an error: the model would learn to be silent."""
    gap_seconds: Positive = 2.0
    """A longer silence between sound and sound is a warning: no bar and no breath is as long."""
    noise_share: Share = 0.9
    """A greater share of noise is an error where it is steady, else a warning; music stays under 0.5."""
    noise_tail_seconds: Positive = 1.4
    """More seconds of nothing but noise at the end are a warning; cymbals and breaths have a second at most."""
    hiss_share: Share = 0.5
    """Steady noise in a greater share of the treble is a warning; 2 % of clean clips reach 0.4."""
    hiss_db: float = -45.0
    """Steady noise further under the loud moments (dB) than this is left alone: the music covers it."""
    hum_over_db: Positive = 9.0
    """Lines of the mains this far over their neighbours (dB) all the time are a warning; notes come and go."""
    clicks_per_minute: Positive = 72.0
    """More clicks a minute are a warning; ticking percussion has as many in 2 % of clean clips."""
    beep_over_db: Positive = 36.0
    """A single pure tone this far over its neighbours (dB) is a warning (clean music has 34); several always are."""
    peak_share: Share = 0.05
    """A greater share of milliseconds at the peak is a limiter's work; of clean masters 1 % reach 0.01."""
    lossy_edge_hz: Positive = 17_000.0
    """A lossless file whose sound ends under this (Hz) was lossy before; MP3 of 128 kbit/s ends at 16 to 16.8 kHz."""
    lossy_cliff_db: Positive = 30.0
    """And in a cliff of this height (dB): instruments end in a slope."""
    mp3_kbps: Positive = 160.0
    """MP3 files of fewer kbit/s are noted."""
    bpm_confidence: Share = 0.3
    """A measured tempo that is less sure than this contradicts nobody; above, 41 of 41 were right but for octaves."""
    bpm_tolerance: Share = 0.04
    """A tempo in a text further than this from the measured one (octaves aside) is a warning."""
    word_errors: Share = 0.4
    """A greater share of wrong words between a text and what Whisper hears is a warning; small models mishear names."""
    speech_rate_ratio: Annotated[float, Field(gt=1)] = 1.4
    """A text this many times as fast or slow as its speaker's other clips is a warning; one reader varies by 1.38."""
    speech_floor_db: float = -15.0
    """Speech whose pauses are less than this under its words (dB) is a warning: 10 dB of noise and more."""
    voice_likeness: Annotated[float, Field(ge=-1, le=1)] | None = None
    """A voice less like those of its speaker's other clips is a warning. By default what tells voices apart decides."""
    silent_ends_share: Share = 0.2
    """A greater share of silence before and after the sound is a warning: it ends up in the labels."""
    clipped_share: Share = 0.003
    """A greater share of samples cut flat at the peak is a warning; 1 % of clean clips reach this."""
    dc_offset: Positive = 0.01
    """A greater mean of the waveform (full scale is 1) is a warning if it is also 5 % of the clip's RMS level."""
    dead_channel_db: Positive = 25.0
    """A channel quieter than the loudest one by more than this is a warning."""
    identical_channels_db: float = -60.0
    """A stereo file whose sides differ by less than this (side under mid, dB) is mono stored twice."""
    antiphase_db: float = -10.0
    """A stereo file whose mono mix is this far under its difference (dB) nearly vanishes in mono."""
    upsampled_share: Share = 0.8
    """A spectrum that ends in a cliff under this share of the reachable bandwidth is a warning."""
    cliff_db: Positive = 25.0
    """A fall smaller than this (dB within 500 Hz) is a natural roll-off, not a cliff."""
    fade_db: Positive = 6.0
    """A clip that loses more level than this from its first to its last third, steadily, fades out."""
    fade_share: Share = 0.25
    """A greater share of fading clips is a warning about the set: fades would be learnt as the way music goes."""
    duplicate_score: Share = 0.1
    """Fingerprints that agree more than this are the same sound; beats of one kit and tempo stay under it."""
    altered_score: Share = 0.15
    """Fingerprints that agree more than this at another pitch or speed are one recording; unrelated ones reach 0.06."""
    same_recording_score: Share = 0.8
    """Fingerprints of equally long clips that agree more than this are one recording saved twice: an error."""
    identical_texts_share: Share = 0.5
    """A greater share of clips with one and the same text is a warning: the prompt would be learnt as noise."""
    max_text_characters: Annotated[int, Field(gt=0)] = 2000
    """Longer texts are errors: a text encoder reads a few hundred words and drops the rest."""
    loudness_spread: Positive = 6.0
    """Clips further than this (LU) from the set's median loudness are warnings."""
    unknown_text_error: Share = 0.8
    """A greater share of tokens unknown to the text encoder is an error: it would read nothing."""
    unknown_text_warn: Share = 0.2
    """A greater share of unknown tokens is a warning."""
