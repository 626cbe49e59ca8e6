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
