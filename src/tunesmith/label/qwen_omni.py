"""Qwen2.5-Omni and Qwen3-Omni on this machine: the half that listens and writes (the thinker), without the voice.

Inputs are put together here, since the processor of these models needs torchvision even for sound alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tunesmith.errors import TunesmithError
from tunesmith.label.provider import LISTEN_RATE, Question
from tunesmith.texts import msg

_MELS = 128


@dataclass(frozen=True)
class ModelKind:
    """What differs between the generations.

    Attributes:
        thinker: Name of the class in ``transformers``.
        marks: Tokens before, for each piece of, and after the sound.
        tokens: How many tokens so many spectral frames (10 ms) become.
    """

    thinker: str
    marks: tuple[str, str, str]
    tokens: Callable[[int], int]


def _halved(frames: int) -> int:
    """Length after a convolution of stride 2 that is padded by 1."""
    return (frames - 1) // 2 + 1


def tokens_qwen2_5(frames: int) -> int:
    """A stride-2 convolution, then the mean of every two: 25 tokens a second."""
    return (_halved(frames) - 2) // 2 + 1


def tokens_qwen3(frames: int) -> int:
    """Chunks of one second (100 frames), each through three stride-2 convolutions: 13 tokens a second."""
    return 13 * (frames // 100) + _halved(_halved(_halved(frames % 100)))


KINDS = {
    "qwen2_5_omni": ModelKind(
        "Qwen2_5OmniThinkerForConditionalGeneration", ("<|audio_bos|>", "<|AUDIO|>", "<|audio_eos|>"), tokens_qwen2_5
    ),
    "qwen3_omni_moe": ModelKind(
        "Qwen3OmniMoeThinkerForConditionalGeneration",
        ("<|audio_start|>", "<|audio_pad|>", "<|audio_end|>"),
        tokens_qwen3,
    ),
}
"""By the checkpoint's ``model_type``; a checkpoint of the thinker alone adds ``_thinker``."""


@dataclass(frozen=True)
class _Loaded:
    kind: ModelKind
    model: Any
    tokenizer: Any
    features: Any

    @property
    def end(self) -> int:
        """The token that ends a turn; set explicitly, as not every checkpoint's generation settings have it."""
        return int(self.tokenizer.convert_tokens_to_ids("<|im_end|>"))


class QwenOmni:
    """Asks a model on this machine; the weights are loaded with the first question.

    Args:
        model: Hub id or folder of a whole checkpoint or its thinker, in safetensors.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``. bfloat16 on CUDA, over several GPUs if need be; float32
            elsewhere.
        longest: Most tokens of an answer.
    """

    name = "qwen-omni"

    def __init__(self, model: str, device: str = "auto", longest: int = 1024) -> None:
        self.model, self.device, self.longest = model, device, longest

    def answer(self, question: Question) -> str:
        """What the model says, its likeliest words.

        Raises:
            TunesmithError: when there are no such weights, or they do not fit.
        """
        import torch

        loaded = self._loaded
        try:
            with torch.inference_mode():
                inputs = self._inputs(loaded, question)
                tokens = loaded.model.generate(
                    **inputs,
                    max_new_tokens=self.longest,
                    do_sample=False,
                    eos_token_id=loaded.end,
                    pad_token_id=loaded.end,
                )
        except torch.OutOfMemoryError as error:
            raise self._too_large() from error
        answer = tokens[0, inputs["input_ids"].shape[1] :]
        return str(loaded.tokenizer.decode(answer, skip_special_tokens=True))

    def _inputs(self, loaded: _Loaded, question: Question) -> dict[str, Any]:
        features = loaded.features(
            question.audio, sampling_rate=LISTEN_RATE, return_attention_mask=True, return_tensors="pt"
        )
        frames = int(features["attention_mask"].sum())
        text = loaded.tokenizer(chat(question, loaded.kind, frames), return_tensors="pt", add_special_tokens=False)
        model = loaded.model
        return {
            "input_ids": text["input_ids"].to(model.device),
            "attention_mask": text["attention_mask"].to(model.device),
            "input_features": features["input_features"].to(model.device, model.dtype),
            "feature_attention_mask": features["attention_mask"].to(model.device),
        }

    @cached_property
    def _loaded(self) -> _Loaded:
        import torch
        import transformers

        from tunesmith.run.device import pick_device

        device = pick_device(self.device)
        cuda = device.startswith("cuda")
        kind = self._kind()
        try:
            tokenizer = transformers.AutoTokenizer.from_pretrained(self.model)
            model = getattr(transformers, kind.thinker).from_pretrained(
                self.model,
                dtype=torch.bfloat16 if cuda else torch.float32,
                device_map="auto" if cuda else {"": device},
                use_safetensors=True,
            )
        except torch.OutOfMemoryError as error:
            raise self._too_large() from error
        except (OSError, ValueError) as error:
            raise self._missing(error) from error
        if cuda and {"cpu", "disk"} & {str(place) for place in model.hf_device_map.values()}:
            raise self._too_large()
        return _Loaded(kind, model.eval(), tokenizer, transformers.WhisperFeatureExtractor(feature_size=_MELS))

    def _kind(self) -> ModelKind:
        from transformers import AutoConfig

        try:
            config = AutoConfig.from_pretrained(self.model)
        except (OSError, ValueError) as error:
            raise self._missing(error) from error
        kind = KINDS.get(config.model_type.removesuffix("_thinker"))
        if kind is None:
            raise TunesmithError(
                msg("this is a model of the type {type}, not Qwen2.5-Omni or Qwen3-Omni", type=config.model_type),
                where=self.model,
                remedy=msg("Name one of these, or serve the model yourself and use --provider endpoint."),
            )
        return kind

    def _missing(self, error: Exception) -> TunesmithError:
        reason = (str(error).splitlines() or [""])[0][:200]
        return TunesmithError(
            msg("the model cannot be loaded ({reason})", reason=reason),
            where=self.model,
            remedy=msg(
                "Check the name; for downloads, HF_ENDPOINT names a mirror. "
                "A folder with the whole checkpoint works too."
            ),
        )

    def _too_large(self) -> TunesmithError:
        return TunesmithError(
            msg("the model does not fit into this machine's memory"),
            where=self.model,
            remedy=msg("Take a smaller one (Qwen/Qwen2.5-Omni-3B), or a server with --provider endpoint."),
        )


def chat(question: Question, kind: ModelKind, frames: int) -> str:
    """The conversation as these models have it, with a token for each piece of the sound.

    Args:
        question: What is asked.
        kind: Which generation.
        frames: Spectral frames of the sound.
    """
    before, piece, after = kind.marks
    sound = f"{before}{piece * kind.tokens(frames)}{after}"
    turns = [("system", question.system), ("user", f"{sound}{question.text}")]
    if question.refused:
        answer, complaint = question.refused
        turns += [("assistant", answer), ("user", complaint)]
    return "".join(f"<|im_start|>{who}\n{what}<|im_end|>\n" for who, what in turns) + "<|im_start|>assistant\n"
