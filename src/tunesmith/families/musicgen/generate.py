"""From requests to audio: text states, code sampling (window by window beyond 30 s), codec decoding."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from tunesmith.errors import TunesmithError
from tunesmith.families.contract import Generated, GenerationRequest, Generator
from tunesmith.families.musicgen.config import MusicGenConfig
from tunesmith.families.musicgen.encoder import MusicGenEncoder
from tunesmith.families.musicgen.frontend import audio_codes, decode_codes, text_states
from tunesmith.families.musicgen.sampler import CodeSampler, SamplerConditions, Sampling, long_form
from tunesmith.families.musicgen.settings import MusicGenSettings
from tunesmith.families.musicgen.weights import load_codec, load_text_encoder
from tunesmith.texts import msg


class MusicGenGenerator(Generator):
    """Generates with one network; T5 and EnCodec are those of ``encoder``, or come from the checkpoint's folder."""

    def __init__(
        self,
        folder: Path,
        config: MusicGenConfig,
        settings: MusicGenSettings,
        network: nn.Module,
        device: str,
        encoder: MusicGenEncoder | None = None,
    ) -> None:
        self.config, self.settings = config, settings
        self.network = network.to(device).eval()
        self.text_encoder: Any
        self.text_encoder, self.tokenizer = encoder.text if encoder else load_text_encoder(folder, config)
        self.codec = encoder.codec if encoder else load_codec(folder, config).to(device)
        self.sampler = CodeSampler(network, config)

    def steps(self, requests: Sequence[GenerationRequest]) -> int:
        """Decoding steps that :meth:`generate` will take, for a progress bar."""
        return max(self._frames(r) for r in requests) + max(self.config.delays) if requests else 0

    def generate(
        self, requests: Sequence[GenerationRequest], progress: Callable[[float], None] | None = None
    ) -> Iterator[Generated]:
        """Generate all requests as one batch; requests may differ in length, options and source.

        Raises:
            TunesmithError: for a length that is not positive.
        """
        groups: dict[tuple[Any, ...], list[int]] = {}
        for index, request in enumerate(requests):
            groups.setdefault(
                (self._frames(request), self._sampling(request), self._source_frames(request)), []
            ).append(index)
        results: dict[int, np.ndarray] = {}
        total, done = sum(key[0] for key in groups) or 1, 0.0
        for (frames, sampling, _), members in groups.items():

            def tick(step: int, base: float = done) -> None:
                if progress is not None:
                    progress(min(1.0, (base + step) / total))

            codes = self._codes([requests[i] for i in members], frames, sampling, tick)
            results.update(zip(members, codes, strict=True))
            done += frames
        for index, request in enumerate(requests):
            audio = decode_codes(self.codec, self.config, results[index])
            text = text_states(self.text_encoder, self.tokenizer, [request.texts["caption"]])[0]
            encoded = {"codes": results[index].astype(np.uint16), "text": text}
            yield Generated(audio, self.config.sample_rate, request, encoded)

    def _codes(
        self, requests: Sequence[GenerationRequest], frames: int, sampling: Sampling, tick: Callable[[int], None]
    ) -> np.ndarray:
        conditions = self._conditions([request.texts["caption"] for request in requests])
        seeds = [request.seed for request in requests]
        window = round(self.config.max_seconds * self.config.frame_rate)
        stride = round(self.settings.extend_stride * self.config.frame_rate)
        sources = [request.source.get("audio") for request in requests]
        source_codes = None
        if all(source is not None for source in sources):
            encoded = [audio_codes(self.codec, self.config, source) for source in sources if source is not None]
            source_codes = np.stack(encoded).astype(np.int64)

        def sample_window(length: int, prompt: np.ndarray | None, offset: int) -> np.ndarray:
            prompt = source_codes if prompt is None else prompt
            steps = iter(range(1, length + max(self.config.delays) + 1))
            return self.sampler.sample(
                conditions,
                length,
                seeds,
                sampling,
                prompt=prompt,
                offset=offset,
                progress=lambda n: tick(offset + next(steps)),
            )

        return long_form(sample_window, frames, window, stride)

    def _conditions(self, texts: list[str]) -> SamplerConditions:
        states = text_states(self.text_encoder, self.tokenizer, texts)
        longest = max(len(s) for s in states)
        text = torch.zeros(len(states), longest, states[0].shape[1])
        mask = torch.zeros(len(states), longest)
        for row, state in enumerate(states):
            text[row, : len(state)] = torch.from_numpy(state)
            mask[row, : len(state)] = 1
        return SamplerConditions(text, mask)

    def _frames(self, request: GenerationRequest) -> int:
        frames = round(request.seconds * self.config.frame_rate)
        if frames < 1:
            raise TunesmithError(
                msg("cannot generate {seconds:g} s of audio", seconds=request.seconds),
                remedy=msg("Ask for a positive duration."),
            )
        source = self._source_frames(request)
        if source >= frames:
            raise TunesmithError(
                msg(
                    "the source audio ({source:.1f} s) is not shorter than the result asked for ({seconds:g} s)",
                    source=source / self.config.frame_rate,
                    seconds=request.seconds,
                ),
                remedy=msg("Ask for a longer result; it includes the source."),
            )
        return frames

    def _source_frames(self, request: GenerationRequest) -> int:
        source = request.source.get("audio")
        return 0 if source is None else self.config.frames(source.shape[-1])

    def _sampling(self, request: GenerationRequest) -> Sampling:
        options = self.settings.model_copy(update=dict(request.options))
        return Sampling(options.guidance, options.temperature, options.top_k)
