"""The frozen half of Step-Audio-EditX while samples are encoded: tokenisers, mel, speaker, prompts, flow encoder.

A recording that many samples share (a voice prompt) is encoded once.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from tunesmith.data.content import audio_key, content_key
from tunesmith.data.load import load
from tunesmith.data.sample import PROMPT, PROMPT_TEXT, Sample, edit_type
from tunesmith.errors import TunesmithError, UnfitSampleError
from tunesmith.families.contract import Encoder
from tunesmith.families.step_audio.collate import ABSENT_FRAMES, ABSENT_IDS
from tunesmith.families.step_audio.config import SAMPLE_RATE, TokenIds
from tunesmith.families.step_audio.edits import CLONE, is_clone
from tunesmith.families.step_audio.frontend import EncodedRecording, FrontEnd
from tunesmith.families.step_audio.parts.flow import Flow
from tunesmith.families.step_audio.prompts import clone_prompt, edit_prompt, speaker_name
from tunesmith.families.step_audio.settings import StepAudioSettings
from tunesmith.families.step_audio.text_checks import PROMPT_TOKENS, TARGET_TOKENS, edit_info, learners
from tunesmith.families.step_audio.text_tokenizer import TextTokenizer, load_text
from tunesmith.families.step_audio.tokens import audio_id, flow_tokens
from tunesmith.texts import msg

KEPT_RECORDINGS = 64


class StepAudioEncoder(Encoder):
    """Encodes samples one by one, whole and unpadded."""

    def __init__(
        self,
        folder: Path,
        ids: TokenIds,
        settings: StepAudioSettings,
        front_end: FrontEnd,
        flow_file: Path,
        device: str,
    ) -> None:
        self.ids, self.settings, self.front_end, self.device = ids, settings, front_end, device
        self._folder, self._flow_file = folder, flow_file
        self._recordings: OrderedDict[str, EncodedRecording] = OrderedDict()

    @cached_property
    def _text(self) -> TextTokenizer:
        return load_text(self._folder, self.ids)

    @cached_property
    def _flow(self) -> Flow:
        from tunesmith.families.step_audio.parts.flow_weights import load_flow

        return load_flow(self._flow_file).to(self.device)

    def encode(self, sample: Sample, fields: Sequence[str]) -> dict[str, np.ndarray]:
        """The fields asked for, as :meth:`StepAudioFamily.fields` describes them.

        Raises:
            TunesmithError: at the line of the user's file where audio and tokens do not belong together.
        """
        try:
            return self._encode(sample, fields)
        except TunesmithError as error:
            if error.where or isinstance(error.__cause__, ImportError):
                raise  # it names its file already, or is of this installation and not of the sample
            where = str(sample.attributes.get("line") or sample.id)
            raise type(error)(error.what, where=where, remedy=error.remedy) from error

    def _encode(self, sample: Sample, fields: Sequence[str]) -> dict[str, np.ndarray]:
        can = learners(sample)
        prompt, target = self._of(sample, PROMPT), self._of(sample, "audio")
        prompt_codes = self._codes(sample, PROMPT_TOKENS, prompt)
        codes = self._codes(sample, TARGET_TOKENS, target)
        made: dict[str, np.ndarray] = {"codes": codes, "prompt_codes": prompt_codes}
        made["ids"] = self._prompt(sample, prompt_codes, prompt) if "llm" in can else ABSENT_IDS
        bins = self.front_end.mel_config.num_mels
        absent = np.zeros((ABSENT_FRAMES, bins), np.float32)
        made["mel"] = absent if target is None or prompt is None else target.mel
        made["prompt_mel"] = absent if prompt is None else prompt.mel
        made["speaker"] = np.zeros(1, np.float32) if prompt is None else prompt.speaker
        if "mu" in fields:
            made["mu"] = absent if "flow" not in can else self.mu(np.concatenate([prompt_codes, codes]))
        return {name: made[name] for name in fields}

    def _of(self, sample: Sample, role: str) -> EncodedRecording | None:
        """What a recording of a sample holds; ``None`` where the sample has none."""
        reference = sample.audios.get(role)
        if reference is None:
            return None
        name = PROMPT_TOKENS if role == PROMPT else TARGET_TOKENS
        numbers = sample.attributes.get(name)
        key = f"{audio_key(reference)} {numbers}"

        def encode() -> EncodedRecording:
            known = None if numbers is None else np.array([audio_id(int(n), self.ids) for n in numbers], np.int32)
            return self.front_end.encode(load(reference, SAMPLE_RATE, 1), SAMPLE_RATE, known)

        try:
            return self._once(key, encode)
        except UnfitSampleError as error:
            what = (
                msg("prompt: {problem}", problem=error.what)
                if role == PROMPT
                else msg("target: {problem}", problem=error.what)
            )
            raise UnfitSampleError(what, where=error.where, remedy=error.remedy) from error

    def encode_recording(self, audio_CN: np.ndarray, rate: int) -> EncodedRecording:
        """What a recording holds; the same one again, as every round of previews asks for, is not encoded again.

        Raises:
            TunesmithError: when it is too short.
        """
        key = content_key(hashlib.blake2b(audio_CN.tobytes()).hexdigest(), audio_CN.shape, rate)
        return self._once(key, lambda: self.front_end.encode(audio_CN, rate))

    def _once(self, key: str, encode: Callable[[], EncodedRecording]) -> EncodedRecording:
        if key not in self._recordings:
            self._recordings[key] = encode()
            while len(self._recordings) > KEPT_RECORDINGS:
                self._recordings.popitem(last=False)
        self._recordings.move_to_end(key)
        return self._recordings[key]

    def _codes(self, sample: Sample, name: str, recording: EncodedRecording | None) -> np.ndarray:
        """LLM ids of a recording, or those that the user's file gives where there is no recording."""
        if recording is not None:
            return recording.codes
        return np.array([audio_id(int(n), self.ids) for n in sample.attributes[name]], np.int32)

    def _prompt(self, sample: Sample, codes: np.ndarray, recording: EncodedRecording | None) -> np.ndarray:
        wave = np.zeros(0, np.float32) if recording is None else recording.wave
        texts = {"caption": sample.texts.get("caption", ""), PROMPT_TEXT: sample.texts.get(PROMPT_TEXT, "")}
        kind = edit_type(sample.attributes)
        return self.prompt(texts, kind, edit_info(sample), codes, wave)

    def prompt(
        self, texts: dict[str, str], kind: str, info: str | None, prompt_codes: np.ndarray, wave: np.ndarray
    ) -> np.ndarray:
        """LLM ids (L,) int32 of a prompt: the one way from texts to ids, in training and in use."""
        style, codes = self.settings.prompt_style, prompt_codes.tolist()
        prompt_text = texts.get(PROMPT_TEXT, "")
        if is_clone(kind or CLONE):
            made = clone_prompt(
                self._text,
                prompt_text=prompt_text,
                prompt_ids=codes,
                target_text=texts.get("caption", ""),
                speaker=speaker_name(style, prompt_text, wave),
                style=style,
                ids=self.ids,
            )
        else:
            made = edit_prompt(
                self._text,
                edit_type=kind,
                edit_info=info or None,
                source_text=prompt_text or texts.get("caption", ""),
                source_ids=codes,
                target_text=texts.get("caption") or None,
                style=style,
                ids=self.ids,
            )
        return np.array(made, np.int32)

    @torch.no_grad()
    def mu(self, codes: np.ndarray, flow: Flow | None = None) -> np.ndarray:
        """The flow encoder's output (F, C) for LLM ids of prompt and target, one after the other.

        Args:
            codes: Of both.
            flow: Where it is loaded already; the checkpoint's own otherwise.
        """
        network = (flow or self._flow).eval()
        kind = next(network.parameters()).dtype
        tokens = torch.from_numpy(flow_tokens(codes, self.ids))[None].to(self.device)
        with torch.autocast(self.device.split(":")[0], torch.bfloat16, enabled=kind == torch.bfloat16):
            mu, _ = network.mu(tokens, torch.tensor([tokens.shape[1]], device=self.device))
        return mu[0].float().cpu().numpy()

    def round_trip(self, audio: np.ndarray) -> np.ndarray:
        """Audio (1, N) to mel and back: the best that any adapter on this model can sound."""
        return self.front_end.speak(torch.from_numpy(self.front_end.encode(audio, SAMPLE_RATE).mel), 0)[None]

    def close(self) -> None:
        """Let go of the weights."""
        self.__dict__.pop("_flow", None)
        self._recordings.clear()
