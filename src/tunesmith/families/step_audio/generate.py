"""From requests to speech: the LLM answers with codes, the flow makes them mel in the prompt's voice, a vocoder sound.

Without a text to say, the prompt itself is said again: its own codes go through the flow, which is all that a run
without transcripts trains. So are the codes of a given recording where the LLM is not there, as while the flow trains.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from tunesmith.adapters.attach import unwrap_peft
from tunesmith.data.sample import PROMPT, PROMPT_TEXT
from tunesmith.errors import TunesmithError
from tunesmith.families import request_options
from tunesmith.families.contract import Generated, GenerationRequest, Generator
from tunesmith.families.step_audio.config import FLOW, GROUP, GROUP_SECONDS, LLM, SAMPLE_RATE, TARGET
from tunesmith.families.step_audio.edits import is_clone, validate
from tunesmith.families.step_audio.encoder import StepAudioEncoder
from tunesmith.families.step_audio.frontend import EncodedRecording
from tunesmith.families.step_audio.parts.cfm import inference
from tunesmith.families.step_audio.parts.decode import generate
from tunesmith.families.step_audio.settings import StepAudioSettings
from tunesmith.families.step_audio.tokens import flow_tokens, unpack
from tunesmith.texts import msg


@dataclass(frozen=True)
class _PreparedRequest:
    """One request, its prompt encoded and laid out.

    ``ids`` is what the LLM reads; where there is nothing to say it is ``None``, and the codes are those of ``said``.
    """

    request: GenerationRequest
    settings: StepAudioSettings
    prompt: EncodedRecording
    said: EncodedRecording
    ids: np.ndarray | None


class StepAudioGenerator(Generator):
    """Generates with a run's networks, or the base's; without the LLM, from the codes of recordings."""

    def __init__(self, networks: Mapping[str, nn.Module], encoder: StepAudioEncoder, device: str) -> None:
        self.llm = unwrap_peft(networks[LLM]) if LLM in networks else None
        self.flow = unwrap_peft(networks[FLOW])
        self.encoder, self.device = encoder, device

    def generate(
        self, requests: Sequence[GenerationRequest], progress: Callable[[float], None] | None = None
    ) -> Iterator[Generated]:
        """Generate; requests may differ in prompt, edit and options.

        Raises:
            TunesmithError: for a request without a voice, or an edit or option that does not exist.
        """
        prepared = [self._prepared(request) for request in requests]
        answers = self._answers(prepared, progress)
        for item, codes in zip(prepared, answers, strict=True):
            mel = self._mel(item, codes)
            wave = self.encoder.front_end.speak(mel, item.request.seed)
            yield Generated(wave[None], SAMPLE_RATE, item.request, self._encoded(item, codes, mel))

    def prompt_length(self, request: GenerationRequest) -> int:
        """Ids that the LLM reads before it answers; 0 where there is nothing to say.

        Raises:
            TunesmithError: as :meth:`generate`.
        """
        ids = self._prepared(request).ids
        return 0 if ids is None else len(ids)

    def _prepared(self, request: GenerationRequest) -> _PreparedRequest:
        settings = merged(self.encoder.settings, request.options)
        if PROMPT not in request.source:
            raise TunesmithError(
                msg("speech needs a voice to speak with, and this prompt names none"),
                where="generate.source",
                remedy=msg("Name a recording of the voice there, and what it says in generate.source_prompt."),
            )
        validate(settings.edit_type, settings.edit_info or None)
        prompt = self.encoder.encode_recording(request.source[PROMPT], SAMPLE_RATE)
        texts = {role: request.texts.get(role, "") for role in ("caption", PROMPT_TEXT)}
        ids, said = None, prompt
        if self.llm is None:
            if (recording := request.source.get(TARGET)) is not None:
                said = self.encoder.encode_recording(recording, SAMPLE_RATE)
        elif texts["caption"].strip() or not is_clone(settings.edit_type):
            ids = self.encoder.prompt(texts, settings.edit_type, settings.edit_info, prompt.codes, prompt.wave)
        return _PreparedRequest(request, settings, prompt, said, ids)

    def _answers(
        self, prepared: Sequence[_PreparedRequest], progress: Callable[[float], None] | None
    ) -> list[np.ndarray]:
        """LLM ids of every answer, in whole groups; requests that sample alike are answered together."""
        answers = [item.said.codes for item in prepared]
        groups: dict[tuple[Any, ...], list[int]] = {}
        for index, item in enumerate(prepared):
            if item.ids is not None:
                s = item.settings
                groups.setdefault((s.temperature, s.top_k, s.grammar, s.repetition_rule), []).append(index)
        if self.llm is None:
            return answers
        self.llm.eval()
        for (temperature, top_k, grammar, repetition), rows in groups.items():
            made = generate(
                self.llm,
                [np.asarray(prepared[i].ids).tolist() for i in rows],
                ids=self.encoder.ids,
                seeds=[prepared[i].request.seed for i in rows],
                max_new=[GROUP * max(1, math.ceil(prepared[i].request.seconds / GROUP_SECONDS)) for i in rows],
                temperature=temperature,
                top_k=top_k,
                grammar=grammar,
                repetition_rule=repetition,
                progress=progress,
            )
            for index, codes in zip(rows, made, strict=True):
                answers[index] = self._whole(codes)
        return answers

    def _whole(self, codes: Sequence[int]) -> np.ndarray:
        """An answer in whole groups; without the grammar, only as far as it is in phase."""
        whole = list(codes[: len(codes) // GROUP * GROUP])
        while whole:
            try:
                unpack(whole, self.encoder.ids)
                return np.array(whole, np.int32)
            except TunesmithError:
                whole = whole[:-GROUP]
        raise TunesmithError(
            msg("the model's answer holds no speech"),
            where="options.grammar",
            remedy=msg("Turn it on, or use another seed."),
        )

    @torch.no_grad()
    def _mel(self, item: _PreparedRequest, codes: np.ndarray) -> torch.Tensor:
        """Mel (F, C) of the answer alone, on the CPU."""
        prompt, device = item.prompt, self.device
        prompt_tokens = torch.from_numpy(flow_tokens(prompt.codes, self.encoder.ids))[None].to(device)
        tokens = torch.from_numpy(flow_tokens(codes, self.encoder.ids))[None].to(device)
        frames = 2 * (prompt_tokens.shape[1] + tokens.shape[1])
        generator = torch.Generator().manual_seed(item.request.seed)
        noise = torch.randn(1, frames, prompt.mel.shape[1], generator=generator).mT.contiguous()
        kind = next(self.flow.parameters()).dtype
        guidance = item.settings.flow_guidance
        self.flow.eval()
        with torch.autocast(device.split(":")[0], torch.bfloat16, enabled=kind == torch.bfloat16):
            mel = inference(
                self.flow,
                prompt_tokens,
                tokens,
                torch.from_numpy(prompt.mel)[None].to(device),
                torch.from_numpy(prompt.speaker)[None].to(device),
                noise.to(device),
                steps=item.settings.flow_steps,
                cfg=self.flow.config.inference_cfg_rate if guidance is None else guidance,
            )
        return mel[0].float().cpu()

    def _encoded(self, item: _PreparedRequest, codes: np.ndarray, mel: torch.Tensor) -> dict[str, np.ndarray]:
        """What the cache would hold of the result."""
        from tunesmith.families.step_audio.collate import ABSENT_IDS

        made = {
            "mel": mel.numpy(),
            "codes": codes,
            "ids": ABSENT_IDS if item.ids is None else item.ids,
            "prompt_codes": item.prompt.codes,
            "prompt_mel": item.prompt.mel,
            "speaker": item.prompt.speaker,
        }
        if self.encoder.settings.freeze_encoder:
            made["mu"] = self.encoder.mu(np.concatenate([item.prompt.codes, codes]), self.flow)
        return made


def merged(settings: StepAudioSettings, options: Mapping[str, Any]) -> StepAudioSettings:
    """The family's options, overridden by those of one request; an edit's aim goes with its type.

    Raises:
        TunesmithError: for an option that does not exist or is out of range.
    """
    return request_options.merged(settings, {"edit_info": "", **options} if "edit_type" in options else options)
