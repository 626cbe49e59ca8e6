"""Transcripts by Whisper, where its weights lie on this machine already; nothing is downloaded.

Source: Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision".
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tunesmith.errors import TunesmithError
from tunesmith.texts import msg

if TYPE_CHECKING:
    from transformers import WhisperForConditionalGeneration, WhisperProcessor

NAMES = tuple(
    f"openai/whisper-{size}" for size in ("large-v3", "large-v3-turbo", "large-v2", "medium", "small", "base", "tiny")
)
"""What is looked for among the downloads, the most exact first."""
_FILES = (
    ("config.json",),
    ("preprocessor_config.json", "processor_config.json"),
    ("model.safetensors", "model.safetensors.index.json"),
)
"""What a folder must hold: one of each group."""
_RATE = 16_000


class Transcriber:
    """Whisper over one folder of weights, which are loaded when the first recording comes.

    Args:
        folder: Weights and processor in transformers' format.
        name: What the report calls it.
        device: Where it runs.
    """

    def __init__(self, folder: Path, name: str, device: str = "cpu") -> None:
        self.folder, self.name, self.device = folder, name, device
        self._loaded: tuple[WhisperForConditionalGeneration, WhisperProcessor] | None = None

    def transcribe(self, audio: np.ndarray, rate: int, language: str | None = None) -> str:
        """What is said in a recording.

        Args:
            audio: (N,) or (C, N), full scale ±1, of any length.
            rate: In Hz.
            language: ``en``, ``zh``…; Whisper tells by itself when ``None``.

        Raises:
            TunesmithError: when the weights cannot be read.
        """
        import torch

        from tunesmith.audio.resample import resample

        model, processor = self._load()
        mono = np.atleast_2d(np.asarray(audio, np.float32)).mean(axis=0, keepdims=True)
        samples = resample(mono, rate, _RATE)[0]
        # Over one window, transformers asks for all frames and for timestamps, by which it goes on to the next window.
        window = processor.feature_extractor.n_samples
        long = len(samples) > window
        options: dict[str, Any] = {"truncation": False, "padding": "longest"} if long else {}
        made = processor(samples, sampling_rate=_RATE, return_tensors="pt", return_attention_mask=True, **options)
        asked: dict[str, Any] = {}
        if language and _many_languages(model):
            asked = {"language": language, "task": "transcribe"}
        with torch.no_grad():
            ids = model.generate(
                made.input_features.to(model.device, model.dtype),
                attention_mask=made.attention_mask.to(model.device),
                return_timestamps=long,
                do_sample=False,
                num_beams=1,
                **asked,
            )
        return str(processor.batch_decode(ids, skip_special_tokens=True)[0]).strip()

    def _load(self) -> tuple[WhisperForConditionalGeneration, WhisperProcessor]:
        if self._loaded is None:
            import torch
            from safetensors import SafetensorError
            from transformers import WhisperForConditionalGeneration, WhisperProcessor

            half = torch.float16 if self.device.startswith("cuda") else torch.float32
            try:
                processor = WhisperProcessor.from_pretrained(self.folder, local_files_only=True)
                model: Any = WhisperForConditionalGeneration.from_pretrained(
                    self.folder, local_files_only=True, dtype=half, use_safetensors=True
                )
            except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
                raise TunesmithError(
                    msg("these Whisper weights cannot be loaded ({reason})", reason=str(error).splitlines()[0]),
                    where=str(self.folder),
                    remedy=msg("Download them again, with config, tokenizer and preprocessor, as safetensors."),
                ) from error
            self._loaded = model.to(self.device).eval(), processor
        return self._loaded


def transcriber(path: str | None = None, device: str = "cpu") -> Transcriber | None:
    """Whisper from a folder, or the most exact one among what Hugging Face has downloaded here already.

    Args:
        path: A folder, or a hub id that was downloaded; ``None`` looks for OpenAI's own.
        device: Where it runs.

    Returns:
        A transcriber, or ``None`` when ``path`` is ``None`` and there is none.

    Raises:
        TunesmithError: when what ``path`` names is not here.
    """
    if path:
        given = Path(path).expanduser()
        folder = given if given.is_dir() else _downloaded(path)
        if folder is None or not _whole(folder):
            raise TunesmithError(
                msg("there are no Whisper weights here (config.json, preprocessor_config.json, model.safetensors)"),
                where=path,
                remedy=msg("Name a folder that holds them, or download them (`hf download openai/whisper-small`)."),
            )
        return Transcriber(folder, path if folder != given else given.resolve().name, device)
    for name in NAMES:
        found = _downloaded(name)
        if found is not None and _whole(found):
            return Transcriber(found, name, device)
    return None


def _downloaded(name: str) -> Path | None:
    """The folder of a repository in Hugging Face's cache; asks nobody."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        config = try_to_load_from_cache(name, "config.json")
    except HFValidationError:
        return None
    return Path(config).parent if isinstance(config, str) else None


def _whole(folder: Path) -> bool:
    return all(any((folder / name).is_file() for name in names) for names in _FILES)


def _many_languages(model: WhisperForConditionalGeneration) -> bool:
    return bool(getattr(model.generation_config, "is_multilingual", False))
