"""Requests to the latent sampler, and checks of what it cannot make.

Shapes: C channels, H height, T frames, L tag tokens, D width of their states, N lyric tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tunesmith.errors import TunesmithError
from tunesmith.families.ace_step.settings import AceStepSettings
from tunesmith.texts import msg

SOURCE_TASKS = ("repaint", "extend", "audio2audio", "edit")
SPAN_TASKS = ("repaint", "extend")
FRAME_RATE = 44_100 / 4096
"""Latent frames per second of the released codec."""


@dataclass(frozen=True)
class SongPrompt:
    """Encoded tags and lyrics.

    Attributes:
        text: States of the tags (L, D).
        lyric_ids: Lyric tokens (N,); none of them for an instrumental.
        text_weak: States (L, D) of the same tags with weakened attention; needed where :func:`uses_weak_tags`.
        speaker: Speaker vector (S,); ``None`` for none.
    """

    text: torch.Tensor
    lyric_ids: torch.Tensor
    text_weak: torch.Tensor | None = None
    speaker: torch.Tensor | None = None


@dataclass(frozen=True)
class LatentRequest:
    """One item to make; its seed fixes its result whatever else is in the batch.

    Attributes:
        prompt: What the result is.
        seed: Of the initial noise, of PingPong's and of edit's.
        settings: The family's options with this item's own over them; ``task`` is among them.
        frames: Length of the result where there is no source (text2music, retake).
        retake_seed: Of the second noise of retake, repaint and extend; derived from ``seed`` if ``None``.
        source: Latents (C, H, T) to repaint, extend, vary or edit.
        span: Frames [start, end) of the source: what repaint replaces, or what extend makes it, with a start below 0
            or an end beyond the source. Upstream rounds both towards zero.
        source_prompt: What the source is, for edit.
        max_frames: The longest stretch to sample at once; extend keeps the rest of a longer source as it is.
        frame_rate: Frames per second, to speak of lengths in seconds.
        span_seconds: The span as it was asked for, in seconds.
        source_seconds: Length of the source, which its frames round up.
    """

    prompt: SongPrompt
    seed: int
    settings: AceStepSettings
    frames: int = 0
    retake_seed: int | None = None
    source: torch.Tensor | None = None
    span: tuple[int, int] | None = None
    source_prompt: SongPrompt | None = None
    max_frames: int = 2583
    frame_rate: float = FRAME_RATE
    span_seconds: tuple[float, float] | None = None
    source_seconds: float | None = None

    @property
    def upstream(self) -> bool:
        """Whether upstream's bugs are wanted."""
        return self.settings.compat == "upstream"

    @property
    def source_frames(self) -> int:
        """Frames of the source, 0 without one."""
        return 0 if self.source is None else self.source.shape[-1]

    @property
    def length(self) -> int:
        """Frames of the result."""
        if self.settings.task == "extend" and self.span is not None:
            return self.span[1] - self.span[0]
        return self.source_frames or self.frames


def is_double(settings: AceStepSettings) -> bool:
    """Whether tags and lyrics are guided separately."""
    return settings.guidance_text > 1 and settings.guidance_lyric > 1


def is_guided(settings: AceStepSettings) -> bool:
    """Whether the null condition is used at all; 0 and 1 both turn guidance off, as upstream has it."""
    separate = is_double(settings) and settings.compat != "upstream"
    return separate or settings.guidance not in (0, 1)


def uses_weak_tags(settings: AceStepSettings) -> bool:
    """Whether the prompt's ``text_weak`` is read; upstream reads it under ``erg_lyric`` alone."""
    weak = settings.erg_tag and (settings.erg_lyric or settings.compat != "upstream")
    return weak and is_guided(settings) and settings.task != "edit"


def check(request: LatentRequest) -> None:
    """Refuse what cannot be made.

    Raises:
        TunesmithError: saying which option to change.
        ValueError: when the caller left out what the settings ask for.
    """
    task = request.settings.task
    if (request.source is not None) != (task in SOURCE_TASKS):
        raise TunesmithError(
            msg("{task} needs a source audio", task=task)
            if task in SOURCE_TASKS
            else msg("{task} takes no source audio", task=task),
            where="options.task",
            remedy=msg("Give one or choose another task."),
        )
    if (request.span is not None) != (task in SPAN_TASKS):
        raise TunesmithError(
            msg("{task} needs a span of its source", task=task)
            if task in SPAN_TASKS
            else msg("{task} takes no span of its source", task=task),
            where="options.task",
            remedy=msg("Set it in seconds."),
        )
    if request.length < 1:
        raise TunesmithError(
            msg("cannot make {length:.1f} s", length=request.length / request.frame_rate),
            remedy=msg("Ask for a positive duration."),
        )
    if uses_weak_tags(request.settings) and request.prompt.text_weak is None:
        raise ValueError("these settings need Prompt.text_weak")
    _check_options(request.settings)
    if request.span is not None:
        _check_span(request, request.span)
    if task == "edit":
        _check_edit(request)


def _check_options(settings: AceStepSettings) -> None:
    text, lyric, only = settings.guidance_text, settings.guidance_lyric, settings.only_steps
    if (text > 1) != (lyric > 1):
        raise TunesmithError(
            msg("guidance_text {text:g} and guidance_lyric {lyric:g} work only together", text=text, lyric=lyric),
            where="options",
            remedy=msg("Set both above 1, or both to 0 to use `guidance`."),
        )
    if list(only) != sorted(set(only)):
        raise TunesmithError(
            msg("the steps {steps} do not rise", steps=only),
            where="options.only_steps",
            remedy=msg("Name each step once, in order."),
        )
    if only and settings.task in SOURCE_TASKS:
        raise TunesmithError(
            msg("{task} cannot take only some steps", task=settings.task),
            where="options.only_steps",
            remedy=msg("Leave it empty and set `steps`."),
        )


def _check_span(request: LatentRequest, span: tuple[int, int]) -> None:
    start, end = span
    size, rate = request.source_frames, request.frame_rate
    begin_s, end_s = request.span_seconds or (start / rate, end / rate)
    size_s = size / rate if request.source_seconds is None else request.source_seconds
    if request.settings.task == "repaint":
        if not 0 <= start < end <= size:
            raise TunesmithError(
                msg(
                    "cannot repaint {start:.1f} to {end:.1f} s of a source of {size:.1f} s",
                    start=begin_s,
                    end=end_s,
                    size=size_s,
                ),
                remedy=msg("Choose a span inside the source, or `task: extend` to go beyond it."),
            )
        return
    if start > 0 or end < size or (start, end) == (0, size):
        raise TunesmithError(
            msg(
                "{start:.1f} to {end:.1f} s do not extend a source of {size:.1f} s",
                start=begin_s,
                end=end_s,
                size=size_s,
            ),
            remedy=msg("Begin at or before 0 and end at or after the source's end, or choose `task: repaint`."),
        )
    left, right, limit = -start, end - size, request.max_frames
    if request.length > limit and ((left and right) or max(left, right) >= limit):
        raise TunesmithError(
            msg(
                "an extension by {left:.1f} s before and {right:.1f} s after does not fit into the {limit:.0f} s that "
                "are made at once",
                left=-begin_s,
                right=end_s - size_s,
                limit=limit / rate,
            ),
            remedy=msg("Extend one end at a time, by less."),
        )
    if request.upstream and (request.length > limit or max(left, right) > size):
        raise TunesmithError(
            msg("upstream fails at extensions beyond 240 s or by more than the source"),
            where="options.compat",
            remedy=msg("Set it to `tunesmith`."),
        )


def _check_edit(request: LatentRequest) -> None:
    settings = request.settings
    if request.source_prompt is None:
        raise ValueError("edit needs LatentRequest.source_prompt")
    if settings.scheduler != "euler":
        raise TunesmithError(
            msg(
                "edit cannot step with {scheduler}: it follows the difference of two velocities",
                scheduler=settings.scheduler,
            ),
            where="options.scheduler",
            remedy=msg("Set it to `euler`."),
        )
    if settings.edit_start > settings.edit_end:
        raise TunesmithError(
            msg(
                "edit_start {edit_start:g} is behind edit_end {edit_end:g}",
                edit_start=settings.edit_start,
                edit_end=settings.edit_end,
            ),
            where="options",
            remedy=msg("Let it begin before it ends."),
        )
