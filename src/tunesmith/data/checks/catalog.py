"""All checks, in the order in which their findings are told: can it be read, is it sound, is it music, is it named."""

from __future__ import annotations

from tunesmith.data.checks import (
    antiphase,
    channels,
    clipped,
    dc_offset,
    dead_channel,
    duplicate,
    fade_out,
    identical_channels,
    identical_texts,
    leakage,
    long_text,
    loudness_outlier,
    missing_text,
    mostly_silent,
    nan_samples,
    sample_rate,
    silent_labels,
    text_unknown,
    too_long,
    too_short,
    unreadable,
    upsampled,
)
from tunesmith.data.checks.context import Check

CHECKS: tuple[Check, ...] = (
    unreadable.check,
    too_short.check,
    too_long.check,
    channels.check,
    sample_rate.check,
    nan_samples.check,
    mostly_silent.check,
    silent_labels.check,
    clipped.check,
    dc_offset.check,
    dead_channel.check,
    identical_channels.check,
    antiphase.check,
    upsampled.check,
    loudness_outlier.check,
    fade_out.check,
    duplicate.check,
    leakage.check,
    missing_text.check,
    identical_texts.check,
    long_text.check,
    text_unknown.check,
)
