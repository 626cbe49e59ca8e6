"""Checks of captions with T5's tokenizer."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from tunesmith.data.sample import Sample
from tunesmith.families.contract import Checks
from tunesmith.families.long_captions import long_caption
from tunesmith.families.musicgen.checkpoint import MusicGenCheckpoint
from tunesmith.families.musicgen.config import MAX_TEXT_TOKENS
from tunesmith.families.tokenizer import read_tokenizer
from tunesmith.records.findings import Finding


class MusicGenChecks(Checks):
    """Captions that T5 cannot read, or reads in part."""

    def __init__(self, checkpoint: MusicGenCheckpoint) -> None:
        self.checkpoint = checkpoint

    @cached_property
    def tokenizer(self) -> Any:
        """T5's, of the checkpoint."""
        return read_tokenizer(self.checkpoint.folder)

    def text_findings(self, sample: Sample) -> list[Finding]:
        """A caption that T5 reads only in part."""
        tokens = self.tokenizer(sample.texts.get("caption", ""), truncation=False, verbose=False)["input_ids"]
        return list(long_caption(sample.id, len(tokens), MAX_TEXT_TOKENS))

    def unk_ratio(self, text: str) -> float:
        """Share of the text's letters that T5 reads as ``<unk>``: Chinese and emoji for the real model's English T5.

        Letters, not tokens: a whole sentence that T5 does not know is one ``<unk>`` beside one space token.
        """
        letters = len("".join(text.split()))
        encoded = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        unknown = self.tokenizer.unk_token_id
        pairs = zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)
        lost = sum(len("".join(text[first:last].split())) for token, (first, last) in pairs if token == unknown)
        return lost / letters if letters else 0.0
