"""Transcripts by Whisper, where its weights lie on this machine already; nothing is downloaded.

Weights are in transformers' format or in CTranslate2's; the ear that `tunesmith ears install` brings is of the latter.

Source: Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision".
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from unicodedata import name

import numpy as np

from tunesmith.ears.catalogue import WHISPER_TINY_EN, install_command
from tunesmith.ears.installed import is_usable, weights_of
from tunesmith.errors import TunesmithError
from tunesmith.speech.compact_whisper import CompactWhisper, is_compact
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


class _TransformersWhisper:
    """Weights in transformers' format, loaded.

    Raises:
        TunesmithError: when they cannot be read.
    """

    def __init__(self, folder: Path, device: str) -> None:
        import torch
        from safetensors import SafetensorError
        from transformers import WhisperForConditionalGeneration, WhisperProcessor

        half = torch.float16 if device.startswith("cuda") else torch.float32
        try:
            self._processor: WhisperProcessor = WhisperProcessor.from_pretrained(folder, local_files_only=True)
            model: Any = WhisperForConditionalGeneration.from_pretrained(
                folder, local_files_only=True, dtype=half, use_safetensors=True
            )
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise TunesmithError(
                msg("these Whisper weights cannot be loaded ({reason})", reason=str(error).splitlines()[0]),
                where=str(folder),
                remedy=msg("Download them again, with config, tokenizer and preprocessor, as safetensors."),
            ) from error
        self._model: WhisperForConditionalGeneration = model.to(device).eval()

    @property
    def multilingual(self) -> bool:
        """Whether it knows more than English."""
        return bool(getattr(self._model.generation_config, "is_multilingual", False))

    def words(self, samples: np.ndarray, language: str | None) -> str:
        """What is said in mono samples (N,) at 16 kHz, of any length."""
        import torch

        model, processor = self._model, self._processor
        # Over one window, transformers asks for all frames and for timestamps, by which it goes on to the next window.
        window = processor.feature_extractor.n_samples
        long = len(samples) > window
        options: dict[str, Any] = {"truncation": False, "padding": "longest"} if long else {}
        made = processor(samples, sampling_rate=_RATE, return_tensors="pt", return_attention_mask=True, **options)
        asked: dict[str, Any] = {}
        if language and self.multilingual:
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


class Transcriber:
    """Whisper over one folder of weights, which are loaded when the first recording comes.

    Args:
        folder: Weights and processor in transformers' format, or weights in CTranslate2's.
        name: What the report calls it.
        device: Where it runs.
    """

    def __init__(self, folder: Path, name: str, device: str = "cpu") -> None:
        self.folder, self.name, self.device = folder, name, device
        self._loaded: _TransformersWhisper | CompactWhisper | None = None

    def transcribe(self, audio: np.ndarray, rate: int, language: str | None = None) -> str:
        """What is said in a recording.

        Args:
            audio: (N,) or (C, N), full scale ±1, of any length.
            rate: In Hz.
            language: ``en``, ``zh``…; Whisper tells by itself when ``None``.

        Raises:
            TunesmithError: when the weights cannot be read.
        """
        from tunesmith.audio.resample import resample

        mono = np.atleast_2d(np.asarray(audio, np.float32)).mean(axis=0, keepdims=True)
        return self._load().words(resample(mono, rate, _RATE)[0], language)

    def knows(self, language: str) -> bool:
        """Whether it hears a language; of an unknown one (empty) weights for English alone cannot be sure.

        Raises:
            TunesmithError: when the weights cannot be read.
        """
        return self._load().multilingual or language.lower().startswith("en")

    def understands(self, text: str, language: str | None = None) -> bool:
        """Whether its language is that of a text: weights for English alone hear English words in anything.

        Raises:
            TunesmithError: when the weights cannot be read.
        """
        return self.knows(language or "en") and (self._load().multilingual or _is_latin(text))

    def _load(self) -> _TransformersWhisper | CompactWhisper:
        if self._loaded is None:
            made = CompactWhisper if is_compact(self.folder) else _TransformersWhisper
            self._loaded = made(self.folder, self.device)
        return self._loaded


def transcriber(path: str | None = None, device: str = "cpu") -> Transcriber | None:
    """Whisper from a folder, or the most exact one among what Hugging Face has downloaded here, or the installed ear.

    Args:
        path: A folder, or a hub id that was downloaded; ``None`` looks for OpenAI's own.
        device: Where it runs.

    Returns:
        A transcriber, or ``None`` when ``path`` is ``None`` and there is none.

    Raises:
        TunesmithError: when what ``path`` names is not here, or the ear is damaged.
    """
    if path:
        given = Path(path).expanduser()
        folder = given if given.is_dir() else _downloaded(path)
        if folder is None or not _whole(folder):
            raise TunesmithError(
                msg("there are no Whisper weights here (config.json, preprocessor_config.json, model.safetensors)"),
                where=path,
                remedy=msg(
                    "Name a folder that holds them, or download them (`hf download openai/whisper-small`, or "
                    "for English `{command}`).",
                    command=install_command(WHISPER_TINY_EN),
                ),
            )
        return Transcriber(folder, path if folder != given else given.resolve().name, device)
    for known in NAMES:
        found = _downloaded(known)
        if found is not None and _whole(found):
            return Transcriber(found, known, device)
    if is_usable(WHISPER_TINY_EN):
        return Transcriber(weights_of(WHISPER_TINY_EN), WHISPER_TINY_EN.title, device)
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
    return is_compact(folder) or all(any((folder / file).is_file() for file in files) for files in _FILES)


def _is_latin(text: str) -> bool:
    return all(letter.isascii() or "LATIN" in name(letter, "") for letter in text if letter.isalpha())
