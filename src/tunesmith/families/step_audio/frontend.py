"""The front end of a checkpoint: from a recording to codes, mel and speaker vector, and from mel to sound.

The released checkpoint encodes with Paraformer, the CosyVoice tokeniser and CAM++, and decodes with HiFT; the pocket
model has small front ends. Mel and codes come from the same cut of the recording, in training as in use.

Shapes: N samples, G groups of 120 ms, F = 6 G mel frames (50 a second), C mel bins, E width of the speaker vector.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from tunesmith.errors import UnfitSampleError
from tunesmith.families.step_audio.config import (
    FLOW_PER_GROUP,
    GROUP,
    MEL_PER_FLOW,
    SAMPLE_RATE,
    SPEAKER_FILE,
    MelConfig,
    TokenIds,
)
from tunesmith.families.step_audio.parts.mel import log_mel
from tunesmith.families.step_audio.parts.trim import PreparedVoice, prepare_voice
from tunesmith.families.step_audio.small import SETTINGS
from tunesmith.families.step_audio.source import FRONT_END_FILES, locate_tokenizer, need
from tunesmith.families.step_audio.tokens import pack
from tunesmith.texts import msg

if TYPE_CHECKING:
    from tunesmith.families.step_audio.parts.campplus import CamPlus
    from tunesmith.families.step_audio.parts.hift import Hift

MEL_PER_GROUP = FLOW_PER_GROUP * MEL_PER_FLOW
SLACK_FRAMES = 6
"""Mel and codes of one recording agree within so many frames; more means they are of different ones."""


@dataclass(frozen=True)
class EncodedRecording:
    """A recording as the networks take it.

    Attributes:
        codes: LLM ids (5 G,) int32.
        mel: (F, C) float32, F = 6 G.
        wave: The prepared mono wave (N,) at 24 kHz.
        find_speaker: Makes :attr:`speaker`.
    """

    codes: np.ndarray
    mel: np.ndarray
    wave: np.ndarray
    find_speaker: Callable[[], np.ndarray]

    @cached_property
    def speaker(self) -> np.ndarray:
        """(E,) float32, found when it is first asked for: only prompts lend their voice."""
        return self.find_speaker().astype(np.float32)


class FrontEnd(ABC):
    """Encodes recordings and decodes mels for one checkpoint."""

    ids: TokenIds
    mel_config: MelConfig

    @abstractmethod
    def tokenise(self, voice: PreparedVoice) -> tuple[np.ndarray, np.ndarray]:
        """Codes of vq02 and vq06 of a prepared recording."""

    @abstractmethod
    def speaker(self, voice: PreparedVoice) -> np.ndarray:
        """The speaker vector (E,) of a prepared recording."""

    @abstractmethod
    def speak(self, mel_FC: torch.Tensor, seed: int) -> np.ndarray:
        """Sound (N,) at 24 kHz of a mel."""

    def mel(self, wave: torch.Tensor) -> np.ndarray:
        """Mel (F, C) of a prepared wave at 24 kHz."""
        return np.ascontiguousarray(log_mel(wave[None], self.mel_config)[0].T.numpy())

    def encode(self, audio_CN: np.ndarray, rate: int, codes: np.ndarray | None = None) -> EncodedRecording:
        """Prepare a recording and encode it; ``codes`` are its LLM ids where they are known already.

        Raises:
            TunesmithError: when it is too short, or codes and audio do not belong together.
        """
        voice = prepare_voice(torch.from_numpy(np.asarray(audio_CN, np.float32)).mean(0), rate)
        ids = np.asarray(pack(*self.tokenise(voice), self.ids) if codes is None else codes, np.int32)
        mel = self.mel(voice.wave_24k)
        ids, mel = aligned(ids, mel)
        return EncodedRecording(ids, mel, voice.wave_24k.numpy(), partial(self.speaker, voice))


def aligned(codes: np.ndarray, mel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Codes and mel of the same whole groups: what one has more than the other is cut.

    Raises:
        UnfitSampleError: when they differ by more than :data:`SLACK_FRAMES`, or there is no whole group.
    """
    groups = len(codes) // GROUP
    over = len(mel) - groups * MEL_PER_GROUP  # of these, codes in whole groups cannot stand for the last few
    if not -SLACK_FRAMES <= over <= SLACK_FRAMES + MEL_PER_GROUP - 1:
        raise UnfitSampleError(
            msg(
                "{token_count} audio tokens stand for {token_frames} mel frames and the audio has {audio_frames}; they "
                "may differ by {slack_frames}",
                token_count=len(codes),
                token_frames=groups * MEL_PER_GROUP,
                audio_frames=len(mel),
                slack_frames=SLACK_FRAMES,
            ),
            remedy=msg("Take tokens and audio of the same recording, or leave the tokens out."),
        )
    groups = min(groups, len(mel) // MEL_PER_GROUP)
    if groups < 1:
        raise UnfitSampleError(
            msg("there is no 120 ms of speech in this recording"), remedy=msg("Use a longer one, with speech in it.")
        )
    return codes[: groups * GROUP], mel[: groups * MEL_PER_GROUP]


class SmallFrontEnd(FrontEnd):
    """The small front ends of the pocket model."""

    def __init__(self, folder: Path, ids: TokenIds) -> None:
        from tunesmith.families.step_audio.small import read_small
        from tunesmith.families.step_audio.small.codes import SmallCodes
        from tunesmith.families.step_audio.small.speaker import SmallSpeaker
        from tunesmith.families.step_audio.small.vocoder import SmallVocoder

        tensors, config = read_small(folder)
        self.ids, self.mel_config = ids, config.mel
        self._codes, self._speaker = SmallCodes(tensors, config), SmallSpeaker(tensors, config)
        self._vocoder = SmallVocoder(config)

    def tokenise(self, voice: PreparedVoice) -> tuple[np.ndarray, np.ndarray]:
        """Nearest centroids."""
        return self._codes.codes(voice.wave_24k.numpy())

    def speaker(self, voice: PreparedVoice) -> np.ndarray:
        """Projected mel statistics."""
        return self._speaker.embed(voice.wave_24k.numpy(), SAMPLE_RATE)

    def mel(self, wave: torch.Tensor) -> np.ndarray:
        """Of the wave with silence up to a whole group, as its codes are made."""
        from tunesmith.families.step_audio.small.codes import padded_mel

        return np.ascontiguousarray(padded_mel(wave.numpy(), self._codes.config).T.numpy())

    def speak(self, mel_FC: torch.Tensor, seed: int) -> np.ndarray:
        """Griffin-Lim."""
        return self._vocoder.wave(mel_FC.T.cpu(), torch.Generator().manual_seed(seed)).numpy()


class ReleasedTokenisers:
    """Paraformer with k-means, and the CosyVoice tokeniser, of a folder of Step-Audio-Tokenizer."""

    def __init__(self, folder: Path, ids: TokenIds) -> None:
        from tunesmith.families.step_audio.parts import vq02_weights, vq06

        self.vq02, self.vq06 = vq02_weights.load_vq02(folder, ids), vq06.Vq06(folder / vq06.FILE, ids)

    def tokenise(self, voice: PreparedVoice) -> tuple[np.ndarray, np.ndarray]:
        """Codes of both for a prepared recording."""
        return self.vq02.codes(voice.wave_16k), self.vq06.codes(voice.wave_16k)


class ReleasedFrontEnd(FrontEnd):
    """The released checkpoint's own; each is loaded when it is first needed."""

    def __init__(self, folder: Path, flow: Path, ids: TokenIds, tokenizer_path: str, device: str) -> None:
        from tunesmith.families.step_audio.parts.cosyvoice_yaml import read_cosyvoice

        need(FRONT_END_FILES, flow)
        self.folder, self.flow, self.ids, self.device = folder, flow, ids, device
        self.config = read_cosyvoice(flow / "cosyvoice.yaml")
        self.mel_config = self.config.mel
        self._tokenizer_path = tokenizer_path

    @cached_property
    def _tokenisers(self) -> ReleasedTokenisers:
        return ReleasedTokenisers(locate_tokenizer(self.folder, self._tokenizer_path), self.ids)

    @cached_property
    def _speaker(self) -> CamPlus:
        from tunesmith.families.step_audio.parts.campplus import CamPlus

        return CamPlus(self.flow / SPEAKER_FILE, self.config.flow.spk_embed_dim)

    @cached_property
    def _hift(self) -> Hift:
        from tunesmith.families.step_audio.parts.hift_weights import load_hift

        return load_hift(self.flow / "hift.pt", self.config.hift).to(self.device)

    def tokenise(self, voice: PreparedVoice) -> tuple[np.ndarray, np.ndarray]:
        """Paraformer with k-means, and the CosyVoice tokeniser."""
        return self._tokenisers.tokenise(voice)

    def speaker(self, voice: PreparedVoice) -> np.ndarray:
        """CAM++."""
        return self._speaker.vector(voice.wave_16k)

    def speak(self, mel_FC: torch.Tensor, seed: int) -> np.ndarray:
        """HiFT."""
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            wave: np.ndarray = self._hift(mel_FC.T[None].to(self.device), generator)[0].cpu().numpy()
            return wave


def open_front_end(folder: Path, flow: Path, ids: TokenIds, tokenizer_path: str = "", device: str = "cpu") -> FrontEnd:
    """The front end that a checkpoint folder asks for."""
    if (folder / SETTINGS).is_file():
        return SmallFrontEnd(folder, ids)
    return ReleasedFrontEnd(folder, flow, ids, tokenizer_path, device)


def open_tokenisers(folder: Path, ids: TokenIds, tokenizer_path: str = "") -> SmallFrontEnd | ReleasedTokenisers:
    """The audio tokenisers alone, for a folder of a checkpoint or of the tokenisers.

    Raises:
        TunesmithError: as :func:`~tunesmith.families.step_audio.source.locate_tokenizer`.
    """
    if (folder / SETTINGS).is_file():
        return SmallFrontEnd(folder, ids)
    return ReleasedTokenisers(locate_tokenizer(folder, tokenizer_path), ids)
