"""Which ids may follow in an answer: two of vq02, three of vq06, and so on; the end only between groups.

The reference does not enforce this, and reads an answer that falls out of step as other codes than were meant.

Shapes: B rows, V ids, N ids so far.
"""

from __future__ import annotations

import torch

from tunesmith.families.step_audio.config import GROUP, TokenIds

VQ02_PER_GROUP = 2
WINDOW, _TIMES = 10, 2


class Grammar:
    """The ids allowed at every position of an answer.

    Args:
        ids: The checkpoint's audio ids and those that end an answer.
        device: Where the logits lie.
    """

    def __init__(self, ids: TokenIds, device: torch.device | str = "cpu") -> None:
        semantic = ids.audio_base + ids.vq02
        self._vq02 = torch.arange(ids.audio_base, semantic, device=device)
        self._vq06 = torch.arange(semantic, ids.audio_end, device=device)
        ends = torch.tensor(sorted(stop_ids(ids)), device=device)
        self._vq02_or_end = torch.cat([ends, self._vq02])

    def allowed(self, position: int) -> torch.Tensor:
        """Ids allowed at a position of the answer, counted from 0; an answer has one group at least."""
        phase = position % GROUP
        if phase >= VQ02_PER_GROUP:
            return self._vq06
        return self._vq02_or_end if phase == 0 and position > 0 else self._vq02


def stop_ids(ids: TokenIds) -> frozenset[int]:
    """The ids that end an answer."""
    return frozenset({ids.eot, *ids.stop})


def forbid_repetition(scores_BV: torch.Tensor, history_BN: torch.Tensor) -> torch.Tensor:
    """Scores with the last id forbidden (-inf) where it is twice or more among the last ten, prompt included.

    A history of fewer than ten ids forbids nothing. Of the reference's first release.
    """
    if history_BN.shape[1] < WINDOW:
        return scores_BV
    last_B1 = history_BN[:, -1:]
    often_B1 = (history_BN[:, -WINDOW:] == last_B1).sum(dim=1, keepdim=True) >= _TIMES
    return scores_BV.scatter(1, last_B1, scores_BV.gather(1, last_B1).masked_fill(often_B1, float("-inf")))
