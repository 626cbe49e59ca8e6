"""Audio codes as ids: interleaved for the LLM, in two columns for the flow, as ``<audio_N>`` in text.

Every 120 ms hold two codes of vq02 and three of vq06. The LLM reads them in that order; the flow reads three rows of
two columns, where the missing third code of vq02 is padding.

Source: ``tokenizer.py`` (``wav2token``) and ``stepvocoder/cosyvoice2/cli`` (``_reshape``) of Step-Audio-EditX.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.config import FLOW_PER_GROUP, GROUP, TokenIds
from tunesmith.texts import msg

VQ06_PER_GROUP = FLOW_PER_GROUP
VQ02_PER_GROUP = GROUP - VQ06_PER_GROUP
AUDIO_TOKEN = "<audio_[0-9]+>"
"""Pattern of an audio token in text."""

Codes = Sequence[int] | np.ndarray


def n_groups(vq02_count: int, vq06_count: int) -> int:
    """Whole groups of 120 ms in so many codes of each tokeniser."""
    return min(vq02_count // VQ02_PER_GROUP, vq06_count // VQ06_PER_GROUP)


def pack(vq02: Codes, vq06: Codes, ids: TokenIds) -> list[int]:
    """LLM ids of a clip, five per whole group; codes beyond the last whole group are left out.

    Args:
        vq02: Linguistic codes, 16.67 a second.
        vq06: Semantic codes, 25 a second.
        ids: The checkpoint's ids.

    Raises:
        TunesmithError: when a code is outside its codebook.
    """
    groups = n_groups(len(vq02), len(vq06))
    packed = np.empty((groups, GROUP), np.int64)
    packed[:, :VQ02_PER_GROUP] = _whole("vq02", vq02, ids.vq02, (groups, VQ02_PER_GROUP))
    packed[:, VQ02_PER_GROUP:] = _whole("vq06", vq06, ids.vq06, (groups, VQ06_PER_GROUP)) + ids.vq02
    return (packed + ids.audio_base).ravel().tolist()


def unpack(llm_ids: Codes, ids: TokenIds) -> tuple[list[int], list[int]]:
    """The codes (vq02, vq06) that :func:`pack` packed; a group cut off at the end gives what it has.

    Raises:
        TunesmithError: when an id is none of audio, or not of the codebook whose turn it is.
    """
    audio = _in_phase(llm_ids, ids)
    first = np.arange(len(audio)) % GROUP < VQ02_PER_GROUP
    return audio[first].tolist(), (audio[~first] - ids.vq02).tolist()


def flow_tokens(llm_ids: Codes, ids: TokenIds) -> np.ndarray:
    """The flow's tokens (T25, 2) int64 of LLM ids, three rows per group.

    Column 0 is vq02 and the padding code, column 1 vq06, which the flow's table holds after the padding code. A group
    cut off at the end is filled with code 0 of either codebook, as the reference does.

    Raises:
        TunesmithError: as :func:`unpack`. The reference reads ids that are out of phase as other sounds.
    """
    audio = _in_phase(llm_ids, ids)
    filler = np.array([0] * VQ02_PER_GROUP + [ids.vq02] * VQ06_PER_GROUP)
    over = len(audio) % GROUP
    groups = np.concatenate([audio, filler[over or GROUP :]]).reshape(-1, GROUP)
    rows = np.full((len(groups), FLOW_PER_GROUP, 2), ids.pad, np.int64)
    rows[:, :VQ02_PER_GROUP, 0] = groups[:, :VQ02_PER_GROUP]
    rows[:, :, 1] = groups[:, VQ02_PER_GROUP:] + 1
    return rows.reshape(-1, 2)


def audio_text(llm_ids: Codes, ids: TokenIds) -> str:
    """The ids as text, ``<audio_N>`` after ``<audio_N>``.

    Raises:
        TunesmithError: when one is not of audio.
    """
    return "".join(f"<audio_{number}>" for number in _audio(llm_ids, ids).tolist())


def audio_id(number: int, ids: TokenIds) -> int:
    """The LLM id of ``<audio_N>``.

    Raises:
        TunesmithError: when the tokenisers have no such code.
    """
    if not 0 <= number < ids.vq02 + ids.vq06:
        raise TunesmithError(
            msg(
                "<audio_{number}> stands for no audio code, they end at <audio_{last}>",
                number=number,
                last=ids.vq02 + ids.vq06 - 1,
            ),
            remedy=msg("Check which tokeniser wrote these audio tokens."),
        )
    return ids.audio_base + number


def _whole(name: str, codes: Codes, size: int, shape: tuple[int, int]) -> np.ndarray:
    """The codes of so many groups, (groups, per group)."""
    array = np.asarray(codes, np.int64)
    wrong = array[(array < 0) | (array >= size)]
    if len(wrong):
        raise TunesmithError(
            msg("the {codebook} code {code} is outside 0 to {last}", codebook=name, code=int(wrong[0]), last=size - 1),
            remedy=msg("Check that these codes are raw ones of this tokeniser, without an offset."),
        )
    return array[: shape[0] * shape[1]].reshape(shape)


def _audio(llm_ids: Codes, ids: TokenIds) -> np.ndarray:
    """The ids without their base."""
    audio = np.asarray(llm_ids, np.int64) - ids.audio_base
    wrong = np.flatnonzero((audio < 0) | (audio >= ids.vq02 + ids.vq06))
    if len(wrong):
        raise TunesmithError(
            msg(
                "id {id} (number {number} of {count}) is no audio token, they are {first} to {last}",
                id=int(audio[wrong[0]]) + ids.audio_base,
                number=int(wrong[0]) + 1,
                count=len(audio),
                first=ids.audio_base,
                last=ids.audio_end - 1,
            ),
            remedy=msg("Check that these ids are of audio alone, with the offset of the LLM's vocabulary."),
        )
    return audio


def _in_phase(llm_ids: Codes, ids: TokenIds) -> np.ndarray:
    """The ids without their base, each of the codebook whose turn it is."""
    audio = _audio(llm_ids, ids)
    turn_of_vq02 = np.arange(len(audio)) % GROUP < VQ02_PER_GROUP
    wrong = np.flatnonzero((audio < ids.vq02) != turn_of_vq02)
    if len(wrong):
        expected = "vq02" if turn_of_vq02[wrong[0]] else "vq06"
        raise TunesmithError(
            msg(
                "the audio tokens are out of phase, number {number} of {count} should be of {codebook}",
                number=int(wrong[0]) + 1,
                count=len(audio),
                codebook=expected,
            ),
            remedy=msg(
                "Generate with the grammar mask on, or check that the file holds groups of two vq02 and three vq06."
            ),
        )
    return audio
