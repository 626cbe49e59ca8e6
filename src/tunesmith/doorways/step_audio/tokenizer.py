"""``tokenizer.py``: the audio tokenisers by the names and arguments that Step-Audio-EditX gives them.

Shapes: N samples, G groups of 120 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.doorways.step_audio.model_loader import ModelSource, from_modelscope, source_of, tokenizer_folder
from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.config import PARAFORMER_FOLDER, TOKENIZER_RATE, TokenIds
from tunesmith.pocket.shipped import is_pocket
from tunesmith.texts import msg

if TYPE_CHECKING:
    import torch

    from tunesmith.families.step_audio.frontend import ReleasedTokenisers, SmallFrontEnd
    from tunesmith.families.step_audio.parts.trim import PreparedVoice


class StepAudioTokenizer:
    """The audio tokenisers; they are loaded when they are first needed.

    Args:
        encoder_path: Folder or repository of Step-Audio-Tokenizer, or of the model that has it inside or beside it.
        model_source: Where to look, as a member of :class:`ModelSource` or its word.
        funasr_model_id: Folder of the Paraformer inside ``encoder_path``; there is but one that fits the model.

    Raises:
        TunesmithError: when there is no such folder, or another Paraformer is named.
    """

    def __init__(
        self,
        encoder_path: str | Path,
        model_source: ModelSource | str = ModelSource.AUTO,
        funasr_model_id: str = PARAFORMER_FOLDER,
    ) -> None:
        path = str(encoder_path)
        if str(funasr_model_id).strip("/") != PARAFORMER_FOLDER:
            raise TunesmithError(
                msg("{name} is not the Paraformer that the model's codes are made with", name=str(funasr_model_id)),
                where="funasr_model_id",
                remedy=msg("Leave it out; it is {folder} of the tokeniser's folder.", folder=PARAFORMER_FOLDER),
            )
        self._named = from_modelscope(path) if source_of(model_source) is ModelSource.MODELSCOPE else path
        self.path = tokenizer_folder(self._named)

    @cached_property
    def _folder(self) -> Path:
        """Where the search for the tokenisers begins."""
        if self._named == "pocket" or is_pocket(self._named):
            from tunesmith.families.step_audio.source import POCKET, locate

            return locate(POCKET)
        return Path(self._named).expanduser()

    @cached_property
    def ids(self) -> TokenIds:
        """How audio codes are numbered."""
        from tunesmith.families.step_audio.checkpoint import token_ids

        return token_ids(self._folder)

    @cached_property
    def _tokenisers(self) -> SmallFrontEnd | ReleasedTokenisers:
        from tunesmith.families.step_audio.frontend import open_tokenisers

        return open_tokenisers(self._folder, self.ids, self.path)

    def __call__(self, audio: torch.Tensor, sr: int) -> str:
        """The codes of a recording, untrimmed, as ``<audio_N>`` after ``<audio_N>``.

        Args:
            audio: (1, N) or (N,) within ±1.
            sr: Its sample rate in Hz, 16,000 or more.
        """
        _, vq02, vq06 = self.wav2token(audio, sr, False)
        return self.merge_vq0206_to_token_str(vq02, vq06)

    def preprocess_wav(
        self, audio: torch.Tensor, sample_rate: int, enable_trim: bool = True, energy_norm: bool = True
    ) -> torch.Tensor:
        """A recording as the tokenisers take it: (1, N) float32 at 16 kHz.

        Raises:
            TunesmithError: when its rate is below 16 kHz, or it holds no samples.
        """
        return _prepared(audio, sample_rate, enable_trim, energy_norm).wave_16k[None]

    def wav2token(
        self, audio: torch.Tensor, sample_rate: int, enable_trim: bool = True, energy_norm: bool = True
    ) -> tuple[list[int], list[int], list[int]]:
        """The codes of a recording.

        Args:
            audio: (1, N) or (N,) within ±1.
            sample_rate: In Hz, 16,000 or more.
            enable_trim: Whether silence around the speech is cut.
            energy_norm: Whether its peak is brought to 0.999 first.

        Returns:
            LLM ids in whole groups (5 G), then the raw codes of vq02 and vq06.

        Raises:
            TunesmithError: as :meth:`preprocess_wav`, or when the tokenisers' files are absent.
        """
        from tunesmith.families.step_audio.tokens import pack

        vq02, vq06 = self._tokenisers.tokenise(_prepared(audio, sample_rate, enable_trim, energy_norm))
        return pack(vq02, vq06, self.ids), vq02.tolist(), vq06.tolist()

    def get_vq02_code(self, audio: torch.Tensor, session_id: str | None = None, is_final: bool = True) -> list[int]:
        """Codes of vq02 for audio at 16 kHz.

        Raises:
            TunesmithError: for a part of a stream: recordings are encoded whole.
        """
        if session_id is not None or not is_final:
            raise TunesmithError(
                msg("streams are not encoded piece by piece"),
                where="session_id",
                remedy=msg("Give the whole recording, without session_id and is_final."),
            )
        return self.wav2token(audio, TOKENIZER_RATE, enable_trim=False, energy_norm=False)[1]

    def get_vq06_code(self, audio: torch.Tensor) -> list[int]:
        """Codes of vq06 for audio at 16 kHz."""
        return self.wav2token(audio, TOKENIZER_RATE, enable_trim=False, energy_norm=False)[2]

    def merge_vq0206_to_token_str(self, vq02: Sequence[int], vq06: Sequence[int]) -> str:
        """Raw codes of both in whole groups as ``<audio_N>`` after ``<audio_N>``.

        Raises:
            TunesmithError: when a code is outside its codebook.
        """
        from tunesmith.families.step_audio.tokens import audio_text, pack

        packed = pack([int(code) for code in vq02], [int(code) for code in vq06], self.ids)
        return audio_text(packed, self.ids)


def _prepared(audio: torch.Tensor, rate: int, trim: bool, level: bool) -> PreparedVoice:
    """A recording (1, N), (C, N) or (N,) as one voice."""
    import torch

    from tunesmith.families.step_audio.parts.trim import prepare_voice

    wave = torch.as_tensor(audio, dtype=torch.float32).cpu()
    return prepare_voice(wave.mean(0) if wave.ndim > 1 else wave, int(rate), trim=trim, level=level)
