"""Text to ids and back, with control and audio tokens found here and not by the library.

Tokens such as ``<audio_17>`` are turned into ids by arithmetic: a library would match each of 9,216 added tokens.

``tokenizer.model`` is a sentencepiece model of the Unigram kind, although its config names a class that some loaders
read as BPE. It puts a space before the text it is given; a text that follows a control token must get none.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from tunesmith.errors import TunesmithError
from tunesmith.families.extras import require
from tunesmith.families.step_audio.config import TokenIds
from tunesmith.families.step_audio.markup import BOS, BOT, EOS, EOT
from tunesmith.families.step_audio.source import missing
from tunesmith.families.step_audio.tokens import AUDIO_TOKEN, audio_id
from tunesmith.texts import msg

SENTENCEPIECE, JSON = "tokenizer.model", "tokenizer.json"
EXTRA = "step-audio"
_ANCHOR = "\n"


class TextTokenizer(ABC):
    """Text with control tokens and ``<audio_N>`` to LLM ids, and back.

    Args:
        ids: The checkpoint's ids.
    """

    def __init__(self, ids: TokenIds) -> None:
        self.ids = ids
        self.control = {BOS: ids.bos, EOT: ids.eot, BOT: ids.bot}
        if ends := [stop for stop in ids.stop if stop != ids.eot]:
            self.control[EOS] = ends[0]
        self._names = {token: name for name, token in self.control.items()}
        self._split = re.compile(f"({'|'.join([*map(re.escape, self.control), AUDIO_TOKEN])})")

    @abstractmethod
    def encode_plain(self, text: str, *, dummy_prefix: bool) -> list[int]:
        """Ids of a text without control and audio tokens; with the model's own leading space where asked for."""

    @abstractmethod
    def decode_plain(self, ids: Sequence[int], *, dummy_prefix: bool) -> str:
        """The text of such ids; the inverse of :meth:`encode_plain`."""

    def encode(self, text: str, *, dummy_prefix: bool = True) -> list[int]:
        """Ids of a text; nothing is added but the leading space where it begins with plain text.

        Raises:
            TunesmithError: for ``<audio_N>`` beyond the codebooks.
        """
        ids: list[int] = []
        for section in filter(None, self._split.split(text)):
            if section in self.control:
                ids.append(self.control[section])
            elif re.fullmatch(AUDIO_TOKEN, section):
                ids.append(audio_id(int(section[len("<audio_") : -1]), self.ids))
            else:
                ids += self.encode_plain(section, dummy_prefix=dummy_prefix and not ids)
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of LLM ids, control and audio tokens by name."""
        return "".join(self._decoded(ids))

    def _decoded(self, ids: Sequence[int]) -> Iterator[str]:
        first = True
        for plain, run in groupby(ids, key=lambda token: token < self.ids.audio_base and token not in self._names):
            if plain:
                yield self.decode_plain(list(run), dummy_prefix=first)
            else:
                yield from (self._names.get(token) or f"<audio_{token - self.ids.audio_base}>" for token in run)
            first = False


class SentencePieceText(TextTokenizer):
    """The published tokeniser.

    Args:
        file: ``tokenizer.model``.
        ids: The checkpoint's ids.

    Raises:
        TunesmithError: when sentencepiece is not installed, the file is unreadable, or its text pieces reach into the
            audio ids.
    """

    def __init__(self, file: Path, ids: TokenIds) -> None:
        super().__init__(ids)
        library = require("sentencepiece", EXTRA, msg("The text tokeniser {file}", file=SENTENCEPIECE))
        self.model = library.SentencePieceProcessor()
        try:
            self.model.LoadFromSerializedProto(file.read_bytes())
        except (RuntimeError, OSError) as error:
            raise TunesmithError(
                msg("this text tokeniser cannot be read ({error})", error=error),
                where=str(file),
                remedy=msg("Download it again."),
            ) from error
        size = self.model.get_piece_size()
        if size > ids.audio_base and self.model.id_to_piece(ids.audio_base) != "<audio_0>":
            raise TunesmithError(
                msg(
                    "this text tokeniser has {size} pieces, but the audio tokens begin at {audio_base}",
                    size=size,
                    audio_base=ids.audio_base,
                ),
                where=str(file),
                remedy=msg("Check that tokenizer.model and the LLM's weights are of one checkpoint."),
            )
        # A line break is always bytes of its own, so what precedes a text can be cut off after encoding.
        self._anchor = self.model.encode(_ANCHOR)

    def encode_plain(self, text: str, *, dummy_prefix: bool) -> list[int]:
        """Ids of a plain text."""
        if dummy_prefix:
            whole: list[int] = self.model.encode(text)
            return whole
        anchored: list[int] = self.model.encode(_ANCHOR + text)
        return anchored[len(self._anchor) :]

    def decode_plain(self, ids: Sequence[int], *, dummy_prefix: bool) -> str:
        """Text of plain ids."""
        if dummy_prefix:
            return str(self.model.decode(list(ids)))
        return str(self.model.decode([*self._anchor, *ids])).removeprefix(_ANCHOR)


class JsonText(TextTokenizer):
    """A byte-level tokeniser in the format of ``tokenizers``, such as the pocket model's; it adds no leading space.

    Args:
        file: ``tokenizer.json``.
        ids: The checkpoint's ids.

    Raises:
        TunesmithError: when the file is unreadable, or its vocabulary reaches into the audio ids.
    """

    def __init__(self, file: Path, ids: TokenIds) -> None:
        super().__init__(ids)
        from tokenizers import Tokenizer

        try:
            self.model = Tokenizer.from_str(file.read_text("utf-8"))
        except Exception as error:  # the library raises plain Exceptions
            raise TunesmithError(
                msg("this text tokeniser cannot be read ({error})", error=error),
                where=str(file),
                remedy=msg("Get the file again."),
            ) from error
        size = self.model.get_vocab_size(with_added_tokens=True)
        if size > ids.audio_base:
            raise TunesmithError(
                msg(
                    "this text tokeniser has {size} tokens, but the audio tokens begin at {audio_base}",
                    size=size,
                    audio_base=ids.audio_base,
                ),
                where=str(file),
                remedy=msg("Check that tokenizer.json and the LLM's weights are of one checkpoint."),
            )

    def encode_plain(self, text: str, *, dummy_prefix: bool) -> list[int]:
        """Ids of a plain text."""
        plain: list[int] = self.model.encode(text, add_special_tokens=False).ids
        return plain

    def decode_plain(self, ids: Sequence[int], *, dummy_prefix: bool) -> str:
        """Text of plain ids."""
        return str(self.model.decode(list(ids), skip_special_tokens=False))


def load_text(folder: Path, ids: TokenIds) -> TextTokenizer:
    """The text tokeniser of an LLM's folder: ``tokenizer.model`` where it is there, else ``tokenizer.json``.

    Raises:
        TunesmithError: when there is neither, or it does not load.
    """
    if (folder / SENTENCEPIECE).is_file():
        return SentencePieceText(folder / SENTENCEPIECE, ids)
    if (folder / JSON).is_file():
        return JsonText(folder / JSON, ids)
    raise missing(SENTENCEPIECE, folder)
