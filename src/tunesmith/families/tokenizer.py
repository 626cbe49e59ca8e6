"""Reads the text tokenizer of a checkpoint, with a sentence where its files are damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunesmith.errors import TunesmithError
from tunesmith.texts import msg


def read_tokenizer(folder: Path) -> Any:
    """The tokenizer that a folder of transformers' format holds.

    Args:
        folder: With ``tokenizer.json`` or a vocabulary, and their configs.

    Raises:
        TunesmithError: when its files are missing or damaged.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # the library reads several files in turn, and each of them fails in its own words
        told = isinstance(error, OSError | ValueError) and str(error).strip()
        reason = told.splitlines()[0][:200] if told else msg("its files are damaged")
        raise TunesmithError(
            msg("this text tokeniser cannot be read ({error})", error=reason),
            where=str(folder),
            remedy=msg("Download it again."),
        ) from error
