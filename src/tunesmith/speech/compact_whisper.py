"""Whisper in CTranslate2's format: small, quick on a CPU, without a network of torch.

Source: Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision", and of its long recordings
the windows of 30 s that go on from the last timestamp.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tunesmith.errors import TunesmithError
from tunesmith.texts import msg

if TYPE_CHECKING:
    from ctranslate2.models import Whisper
    from tokenizers import Tokenizer
    from transformers import WhisperFeatureExtractor

WEIGHTS = "model.bin"
FILES = ("config.json", WEIGHTS, "tokenizer.json")
"""What a folder must hold."""
_RATE, _TIME_S, _LONGEST_TOKENS = 16_000, 0.02, 448
_SPECIAL = ("<|startoftranscript|>", "<|notimestamps|>", "<|transcribe|>", "<|0.00|>")


class CompactWhisper:
    """One folder of weights, loaded.

    Args:
        folder: With ``config.json``, ``model.bin``, the vocabulary and ``tokenizer.json``.
        device: ``cpu``, ``cuda``…

    Raises:
        TunesmithError: when the library is missing, or the folder cannot be read.
    """

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        try:
            import ctranslate2
        except ImportError as error:
            raise TunesmithError(
                msg("the library ctranslate2, which runs these Whisper weights, is not installed"),
                where=str(folder),
                remedy=msg('Run: pip install "tunesmith[{extra}]"', extra="ears"),
            ) from error
        import torch
        from tokenizers import Tokenizer
        from transformers import WhisperFeatureExtractor

        cuda = device.startswith("cuda") and ctranslate2.get_cuda_device_count() > 0
        try:
            self._model: Whisper = ctranslate2.models.Whisper(
                str(folder),
                device="cuda" if cuda else "cpu",
                compute_type="float16" if cuda else "float32",
                inter_threads=1,
                intra_threads=torch.get_num_threads(),
            )
            self._tokenizer: Tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # both libraries raise what they like
            raise TunesmithError(
                msg("these Whisper weights cannot be loaded ({reason})", reason=str(error).splitlines()[0]),
                where=str(folder),
                remedy=msg("Install them again, with config.json, model.bin, the vocabulary and tokenizer.json."),
            ) from error
        self._ids = {name: self._id(name, folder) for name in _SPECIAL}
        self._features: WhisperFeatureExtractor = WhisperFeatureExtractor(feature_size=self._model.n_mels)

    @property
    def multilingual(self) -> bool:
        """Whether it knows more than English."""
        return bool(self._model.is_multilingual)

    def words(self, samples: np.ndarray, language: str | None) -> str:
        """What is said in mono samples (N,) at 16 kHz, of any length."""
        if len(samples) <= self._features.n_samples:
            return self._text(self._heard(samples, language, timed=False))
        heard, start = [], 0
        while start < len(samples):
            tokens = self._heard(samples[start : start + self._features.n_samples], language, timed=True)
            tokens, seconds = self._until_last_time(tokens)
            heard.append(self._text(tokens))
            start += round(seconds * _RATE) or self._features.n_samples
        return " ".join(part for part in heard if part)

    def _heard(self, samples: np.ndarray, language: str | None, *, timed: bool) -> list[int]:
        """Token ids of one window."""
        import ctranslate2

        made: Any = self._features(samples, sampling_rate=_RATE, return_tensors="np")
        features = ctranslate2.StorageView.from_array(np.ascontiguousarray(made.input_features, np.float32))
        prompt = [self._ids["<|startoftranscript|>"]]
        if self.multilingual:
            spoken = f"<|{language}|>" if language else self._model.detect_language(features)[0][0][0]
            known = self._tokenizer.token_to_id(spoken)
            prompt += [*([known] if known is not None else []), self._ids["<|transcribe|>"]]
        prompt += [] if timed else [self._ids["<|notimestamps|>"]]
        result = self._model.generate(features, [prompt], beam_size=1, max_length=_LONGEST_TOKENS)[0]
        return list(result.sequences_ids[0])

    def _until_last_time(self, tokens: list[int]) -> tuple[list[int], float]:
        """What was said up to the last whole utterance, and where that ends; 0 s where the window is used up.

        Two timestamps in a row stand between utterances; what follows the last pair goes on in the next window.
        """
        first = self._ids["<|0.00|>"]
        pairs = [i for i in range(1, len(tokens)) if tokens[i - 1] >= first and tokens[i] >= first]
        if not pairs or (tokens[-1] >= first and tokens[-2] < first):
            return tokens, 0.0
        return tokens[: pairs[-1]], (tokens[pairs[-1] - 1] - first) * _TIME_S

    def _text(self, tokens: list[int]) -> str:
        return str(self._tokenizer.decode([t for t in tokens if t < self._ids["<|0.00|>"]])).strip()

    def _id(self, token: str, folder: Path) -> int:
        found = self._tokenizer.token_to_id(token)
        if found is None and token == "<|0.00|>":  # some tokenisers leave the timestamps out
            found = self._id("<|notimestamps|>", folder) + 1
        if found is None:
            raise TunesmithError(
                msg("these Whisper weights cannot be loaded ({reason})", reason=token), where=str(folder / FILES[-1])
            )
        return int(found)


def is_compact(folder: Path) -> bool:
    """Whether a folder holds Whisper in this format."""
    return all((folder / name).is_file() for name in FILES)
