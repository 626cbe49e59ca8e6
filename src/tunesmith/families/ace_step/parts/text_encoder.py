"""Tags to text states: the UMT5 encoder of a checkpoint, and its weakly attending twin for guidance.

Sources: Chung et al., "UniMax" (2023, UMT5); ``pipeline_ace_step.py`` of ACE-Step for the weak states.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from tunesmith.families.ace_step.config import MAX_PROMPT_TOKENS, TEXT, AceStepConfig
from tunesmith.families.component import build, read_tensors
from tunesmith.families.tokenizer import read_tokenizer

WEIGHTS = "model.safetensors"
WEAK_FIRST, WEAK_COUNT, WEAK_SCALE = 8, 2, 0.01
"""Where the queries shrink, and to what, for the null side of entropy-rectifying guidance (ERG)."""
_EMBEDDING = "shared.weight"
_TIED = "encoder.embed_tokens.weight"


class TextEncoder:
    """The frozen text encoder; weights and tokenizer are loaded when first needed.

    Args:
        folder: The checkpoint, with ``umt5-base`` in it.
        config: Its configs.
        device: Where the encoder runs; states are returned on the CPU.
    """

    def __init__(self, folder: Path, config: AceStepConfig, device: str) -> None:
        self.folder, self.config, self.device = folder / TEXT, config, device

    @cached_property
    def tokenizer(self) -> Any:
        """The tokenizer in the folder."""
        return read_tokenizer(self.folder)

    @cached_property
    def encoder(self) -> Any:
        """The ``UMT5EncoderModel``."""
        return load_umt5(self.folder, self.config.text).to(self.device)

    @torch.no_grad()
    def states(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Last hidden states of each text, (L, D) float32: unpadded, so that its neighbours do not matter.

        A text of more than 256 tokens is cut there, as in training (:meth:`tokens` says how many there are).
        """
        states = []
        self.encoder.to(self.device)
        for text in texts:
            tokens = self.tokenizer(text, truncation=True, max_length=MAX_PROMPT_TOKENS, return_tensors="pt")
            output = self.encoder(input_ids=tokens["input_ids"].to(self.device))
            states.append(output.last_hidden_state[0].float().cpu().numpy())
        return states

    def weak_states(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Like :meth:`states`, with the queries of layers 8 and 9 at a hundredth, so that content hardly guides them.

        In an encoder of fewer than ten layers it is the last two.
        """
        with _weak_queries(self.encoder):
            return self.states(texts)

    def tokens(self, text: str) -> int:
        """Tokens of a text, uncut, with the end mark."""
        return len(self.tokenizer(text)["input_ids"])

    def unk_ratio(self, text: str) -> float:
        """Share of the text's letters that the tokenizer reads as ``<unk>``, 0 to 1.

        Letters, not tokens: one ``<unk>`` may stand for a whole word.
        """
        letters = len("".join(text.split()))
        encoded = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        pairs = zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)
        unknown = self.tokenizer.unk_token_id
        lost = sum(len("".join(text[first:last].split())) for token, (first, last) in pairs if token == unknown)
        return lost / letters if letters else 0.0

    def rest(self) -> None:
        """Free an accelerator's memory; the weights wait in the computer's."""
        if "encoder" in self.__dict__:
            self.encoder.to("cpu")

    def close(self) -> None:
        """Free the weights."""
        self.__dict__.pop("encoder", None)
        gc.collect()


def load_umt5(folder: Path, config: dict[str, Any]) -> nn.Module:
    """The ``UMT5EncoderModel`` of a ``umt5-base`` folder, frozen, fp32, on the CPU.

    Raises:
        TunesmithError: when the weights are missing or do not fit.
    """
    from transformers import UMT5Config, UMT5EncoderModel

    settings = UMT5Config(**{key: value for key, value in config.items() if key != "model_type"})
    file = folder / WEIGHTS
    # The embedding has two names in the module and may be in the file under either or both.
    tensors = read_tensors(file)
    if _TIED in tensors:
        tensors.setdefault(_EMBEDDING, tensors.pop(_TIED))
    encoder = build(lambda: UMT5EncoderModel(settings), tensors, file, tied=(_TIED,))
    encoder.encoder.embed_tokens.weight = encoder.shared.weight
    return encoder


@contextmanager
def _weak_queries(encoder: Any) -> Iterator[None]:
    blocks = encoder.encoder.block
    first = min(WEAK_FIRST, max(0, len(blocks) - WEAK_COUNT))
    hooks = [
        block.layer[0].SelfAttention.q.register_forward_hook(lambda *args: args[2] * WEAK_SCALE)
        for block in blocks[first : first + WEAK_COUNT]
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
