"""Requests to music: prompts encoded as in training, latents sampled, sound decoded.

Shapes: C audio channels (2), N samples, K latent channels, H latent height, T frames, L text tokens, D width.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from tunesmith.adapters.attach import unwrap_peft
from tunesmith.data.sample import SPEAKER, Sample
from tunesmith.errors import TunesmithError
from tunesmith.families.ace_step.asked import need_description, prompt_key, source_texts
from tunesmith.families.ace_step.config import MAX_SECONDS, SAMPLE_RATE, AceStepConfig
from tunesmith.families.ace_step.encoder import (
    AceStepEncoder,
    has_lyrics,
    lyric_fields,
    lyric_tokenizer,
    lyric_tokens,
    speaker_vector,
)
from tunesmith.families.ace_step.parts.codec import MusicCodec
from tunesmith.families.ace_step.parts.text_encoder import TextEncoder
from tunesmith.families.ace_step.sampler.request import (
    SOURCE_TASKS,
    SPAN_TASKS,
    LatentRequest,
    SongPrompt,
    uses_weak_tags,
)
from tunesmith.families.ace_step.sampler.sample import sample
from tunesmith.families.ace_step.settings import AceStepSettings
from tunesmith.families.ace_step.tag_texts import prompt_text
from tunesmith.families.contract import Generated, GenerationRequest, Generator
from tunesmith.families.request_options import merged
from tunesmith.texts import msg

if TYPE_CHECKING:
    from tunesmith.families.ace_step.parts.transformer import AceStepTransformer


class AceStepGenerator(Generator):
    """Generates with one transformer (a run's, adapter attached, or the base)."""

    def __init__(
        self,
        folder: Path,
        config: AceStepConfig,
        settings: AceStepSettings,
        network: Any,
        device: str,
        encoder: AceStepEncoder | None = None,
    ) -> None:
        self.folder, self.config, self.settings, self.device = folder, config, settings, device
        self.network: AceStepTransformer = unwrap_peft(network)
        self.text = encoder.text if encoder else TextEncoder(folder, config, device)
        self._text_done = self.text.rest if encoder else self.text.close
        self.codec = encoder.codec if encoder else MusicCodec(folder, config, device)
        self._prompts: dict[str, SongPrompt] = {}

    def prepare(self, requests: Sequence[GenerationRequest]) -> None:
        """Encode all prompts, so that the text encoder is loaded once, and leaves the memory before any is generated.

        Raises:
            TunesmithError: for options that do not go together.
        """
        for request in requests:
            settings = merged(self.settings, request.options)
            self._prompts[prompt_key(request.texts, settings)] = self._prompt(request.texts, settings)
        self._text_done()

    def generate(
        self, requests: Sequence[GenerationRequest], progress: Callable[[float], None] | None = None
    ) -> Iterator[Generated]:
        """Generate; requests may differ in length, options, task and source.

        Raises:
            TunesmithError: for options, lengths, spans and sources that do not go together.
        """
        latent_requests = [self._latent_request(request) for request in requests]
        self._text_done()
        half = self.network.dtype != torch.float32
        with torch.no_grad(), torch.autocast(self.device.split(":")[0], torch.bfloat16, enabled=half):
            latents = sample(self.network, latent_requests, torch.device(self.device), progress)
        for request, latent_request, item_latents in zip(requests, latent_requests, latents, strict=True):
            begin, seconds = self._heard(request, latent_request)
            overlapped = latent_request.settings.overlapped_decode
            (audio,) = self.codec.decode(item_latents[None], overlapped=overlapped, seconds=[begin + seconds])
            audio = audio[:, round(begin * SAMPLE_RATE) :]
            yield Generated(audio, SAMPLE_RATE, request, self._encoded(latent_request, item_latents))

    def _latent_request(self, request: GenerationRequest) -> LatentRequest:
        settings = merged(self.settings, request.options)
        task = settings.task
        source = request.source.get("audio")
        if task in SOURCE_TASKS and source is None:
            raise TunesmithError(
                msg("{task} needs a source audio", task=task),
                where="options.task",
                remedy=msg("Give one with --source."),
            )
        if source is None and not 0 < request.seconds <= MAX_SECONDS:
            raise TunesmithError(
                msg("cannot generate {seconds:g} s of music", seconds=request.seconds),
                remedy=msg("Ask for 0 to {max_seconds:g} seconds.", max_seconds=MAX_SECONDS),
            )
        if task == "edit":
            need_description(request.texts)
        elif any(role.startswith("source_") for role in request.texts):
            raise TunesmithError(
                msg("{task} has no use for what the source is", task=task),
                where="generate.source_prompt",
                remedy=msg("Use task edit."),
            )
        latents = None if source is None else self.codec.encode(source)
        limit = self.config.frames(MAX_SECONDS) + 1
        if source is not None and latents is not None and task != "extend" and latents.shape[-1] > limit:
            raise TunesmithError(
                msg(
                    "the source has {seconds:.0f} s; the model knows {max_seconds:g} s at most",
                    seconds=source.shape[-1] / SAMPLE_RATE,
                    max_seconds=MAX_SECONDS,
                ),
                where="generate.source",
                remedy=msg("Cut out the part that is meant."),
            )
        return LatentRequest(
            prompt=self._prompt(request.texts, settings),
            seed=request.seed,
            settings=settings,
            retake_seed=settings.retake_seed,
            frames=self._frames(request.seconds, settings),
            source=latents,
            span=self._span(request, settings, 0 if latents is None else latents.shape[-1]),
            source_prompt=self._prompt(source_texts(request.texts), settings) if task == "edit" else None,
            max_frames=self.config.frames(MAX_SECONDS),
            frame_rate=self.config.frame_rate,
            span_seconds=request.span,
            source_seconds=None if source is None else source.shape[-1] / SAMPLE_RATE,
        )

    def _prompt(self, texts: Mapping[str, str], settings: AceStepSettings) -> SongPrompt:
        if prepared := self._prompts.get(prompt_key(texts, settings)):
            return prepared
        sample = Sample("prompt", {}, texts)
        caption = prompt_text(texts.get("caption", ""))
        tokens = lyric_tokens(lyric_tokenizer(self.folder, settings), sample, settings) if has_lyrics(sample) else None
        weak = self.text.weak_states([caption])[0] if uses_weak_tags(settings) else None
        path = settings.speaker or texts.get(SPEAKER, "")
        speaker = speaker_vector(Sample("the prompt", {}, {}, {SPEAKER: path}), self._speaker_size)
        return SongPrompt(
            text=torch.from_numpy(self.text.states([caption])[0]),
            lyric_ids=torch.tensor(tokens.ids if tokens else (), dtype=torch.long),
            text_weak=None if weak is None else torch.from_numpy(weak),
            speaker=torch.from_numpy(speaker),
        )

    @property
    def _speaker_size(self) -> int:
        return self.config.transformer.speaker_embedding_dim

    def _frames(self, seconds: float, settings: AceStepSettings) -> int:
        """Frames that cover a length; upstream's are rounded down, so that up to 93 ms are missing."""
        if settings.compat == "upstream":
            return self.config.frames(seconds)
        return max(1, math.ceil(seconds * self.config.frame_rate - 1e-6))

    def _span(
        self, request: GenerationRequest, settings: AceStepSettings, source_frames: int
    ) -> tuple[int, int] | None:
        """Frames of the span; both ends outwards, so that what was asked for is in it (upstream: towards zero)."""
        if request.span is None:
            if settings.task not in SPAN_TASKS:
                return None
            raise TunesmithError(
                msg("{task} needs a span of its source, in seconds", task=settings.task),
                where="options.task",
                remedy=msg("Give one with --span START END."),
            )
        start, end = (seconds * self.config.frame_rate for seconds in request.span)
        if settings.compat == "upstream":
            return int(start), int(end)
        # The source's last frame is filled up with silence, so its end in seconds lies within that frame.
        repaint_to_end = settings.task == "repaint" and source_frames - 1 < end <= source_frames + 0.5
        last = source_frames if repaint_to_end else math.ceil(end - 1e-6)
        return math.floor(start + 1e-6), last

    def _heard(self, request: GenerationRequest, latent_request: LatentRequest) -> tuple[float, float]:
        """Where in the decoded audio the result begins, and its length, in seconds.

        An extension has the length of its span, though its frames reach beyond both ends of it; upstream's has whole
        frames.
        """
        if latent_request.source is None:
            return 0.0, request.seconds
        if request.span is None or latent_request.settings.task != "extend":
            return 0.0, request.source["audio"].shape[-1] / SAMPLE_RATE
        if latent_request.upstream or latent_request.span is None:
            return 0.0, latent_request.length / self.config.frame_rate
        start, end = request.span
        return start - latent_request.span[0] / self.config.frame_rate, end - start

    def _encoded(self, request: LatentRequest, latents_KHT: torch.Tensor) -> dict[str, np.ndarray]:
        """What the cache would hold of the result."""
        text = request.prompt.text.numpy()
        ids = request.prompt.lyric_ids.numpy().astype(np.int32)
        lyrics = lyric_fields(None) if not len(ids) else {"lyrics": ids, "lyric_sections": np.array([[1, 1]], np.int32)}
        return {
            "latents": latents_KHT.float().cpu().numpy().astype(np.float16),
            "text": text.astype(np.float16),
            "text_parts": np.array([[len(text), 0]], np.int32),
            "speaker": np.zeros(self._speaker_size, np.float32)
            if request.prompt.speaker is None
            else request.prompt.speaker.numpy(),
            **lyrics,
        }
