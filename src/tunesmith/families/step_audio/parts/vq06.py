"""The semantic tokeniser (vq06): CosyVoice's ``speech_tokenizer_v1`` on Whisper's log-mel, 25 codes a second.

Source: ``tokenizer.py`` of Step-Audio-EditX (``get_vq06_code``); "CosyVoice" (Du et al. 2024).

Shapes: N samples, M mel bins, F frames (10 ms), T codes (40 ms).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.config import LICENCE, TOKENIZER_RATE, TOKENIZER_REPOSITORY, TokenIds
from tunesmith.families.step_audio.parts.onnx import THREADS, OnnxFile, OnnxSession
from tunesmith.families.step_audio.parts.whisper_mel import whisper_log_mel
from tunesmith.texts import Message, msg

FILE = "speech_tokenizer_v1.onnx"
PUBLISHED = OnnxFile(msg("The semantic tokeniser"), TOKENIZER_REPOSITORY, FILE, "520 MB", LICENCE)
CODES_PER_SECOND = 25
MEL_BINS = 128
_PIECE = 30 * TOKENIZER_RATE
_SHORTEST = 480
"""Pieces of fewer samples (30 ms) give no code."""
_SLACK = 2


class Vq06:
    """Audio to semantic codes.

    Args:
        file: :data:`FILE`.
        ids: The checkpoint's ids, for the number of codes.
        threads: Threads inside one operation.

    Raises:
        TunesmithError: as :class:`~tunesmith.families.step_audio.parts.onnx.OnnxSession`.
    """

    def __init__(self, file: Path, ids: TokenIds, threads: int = THREADS) -> None:
        self.ids = ids
        self._session = OnnxSession(file, PUBLISHED, inputs=2, threads=threads)

    def codes(self, wave_N: np.ndarray | torch.Tensor) -> np.ndarray:
        """Codes (T,) int64 of mono audio at 16 kHz within ±1; each 30 s are encoded on their own, as in the original.

        Raises:
            TunesmithError: when a piece gives codes for another duration, or outside the codebook.
        """
        wave = torch.as_tensor(wave_N, dtype=torch.float32).cpu()
        pieces = [self._piece(piece) for piece in wave.split(_PIECE) if len(piece) >= _SHORTEST]
        return np.concatenate(pieces) if pieces else np.zeros(0, np.int64)

    def _piece(self, wave_N: torch.Tensor) -> np.ndarray:
        mel_1MF = whisper_log_mel(wave_N, MEL_BINS)[None].numpy()
        codes = self._session(mel_1MF, np.array([mel_1MF.shape[2]], np.int32))[0].ravel().astype(np.int64)
        seconds = len(wave_N) / TOKENIZER_RATE
        if abs(len(codes) - CODES_PER_SECOND * seconds) > _SLACK:
            raise self._wrong(
                msg(
                    "the semantic tokeniser gave {count} codes for {seconds:.2f} s instead of {rate} a second",
                    count=len(codes),
                    seconds=seconds,
                    rate=CODES_PER_SECOND,
                )
            )
        if codes.size and not 0 <= codes.min() <= codes.max() < self.ids.vq06:
            raise self._wrong(
                msg("the semantic tokeniser gave codes outside 0 to {last}", last=self.ids.vq06 - 1),
            )
        return codes

    def _wrong(self, what: Message) -> TunesmithError:
        remedy = msg("Use the {file} of {repository}.", file=FILE, repository=TOKENIZER_REPOSITORY)
        return TunesmithError(what, where=str(self._session.file), remedy=remedy)
