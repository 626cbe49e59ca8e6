"""The character tokeniser of the recorded prompts, as ``prompts.json`` describes it."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.families.step_audio.text_tokenizer import TextTokenizer

SPACE, LINE_BREAK, CHARACTERS = 999, 78, 1000


class StubText(TextTokenizer):
    """One id per character, and one for the space that goes before a text."""

    def encode_plain(self, text: str, *, dummy_prefix: bool) -> list[int]:
        fixed = {" ": SPACE, "\n": LINE_BREAK}
        return [SPACE] * dummy_prefix + [fixed.get(one, CHARACTERS + ord(one)) for one in text]

    def decode_plain(self, ids: Sequence[int], *, dummy_prefix: bool) -> str:
        fixed = {SPACE: " ", LINE_BREAK: "\n"}
        return "".join(fixed.get(one) or chr(one - CHARACTERS) for one in ids[dummy_prefix:])
