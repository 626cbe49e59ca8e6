"""The pocket MusicGen's tokenizer: known words whole, other words letter by letter, in T5's own format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.pocket.vocabulary import LETTERS, unigram_pieces

if TYPE_CHECKING:
    from transformers import T5Tokenizer


def make_tokenizer() -> T5Tokenizer:
    """A T5 tokenizer that needs no download; characters outside ASCII become ``<unk>``."""
    from transformers import T5Tokenizer

    return T5Tokenizer(vocab=unigram_pieces((), LETTERS), extra_ids=0)
