"""Checks of texts with UMT5's tokenizer and the lyric tokeniser."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from tunesmith.data.sample import Sample
from tunesmith.families.ace_step.checkpoint import AceStepCheckpoint
from tunesmith.families.contract import Checks
from tunesmith.records.findings import Finding

if TYPE_CHECKING:
    from tunesmith.families.ace_step.lyrics.tokenizer import LyricTokenizer
    from tunesmith.families.ace_step.parts.text_encoder import TextEncoder


class AceStepChecks(Checks):
    """Captions that will be cut, and lyrics that the model cannot read."""

    def __init__(self, checkpoint: AceStepCheckpoint) -> None:
        self.checkpoint = checkpoint

    @cached_property
    def _tokenizer(self) -> TextEncoder:
        from tunesmith.families.ace_step.parts.text_encoder import TextEncoder

        return TextEncoder(self.checkpoint.folder, self.checkpoint.config, "cpu")

    def unk_ratio(self, text: str) -> float:
        """Share of the text's letters that UMT5's tokenizer does not know; small for any written language."""
        return self._tokenizer.unk_ratio(text)

    def text_findings(self, sample: Sample) -> list[Finding]:
        """Captions that will be cut; lyrics with unknown tags, unknown letters or too many tokens."""
        from tunesmith.families.ace_step.encoder import has_lyrics, lyric_tokens
        from tunesmith.families.ace_step.tag_texts import recaptions
        from tunesmith.families.ace_step.text_checks import caption_findings, language_findings, lyric_findings

        texts = [sample.texts.get("caption", ""), *recaptions(sample.attributes)]
        found = list(caption_findings(sample.id, max(self._tokenizer.tokens(text) for text in texts)))
        if has_lyrics(sample):
            found += language_findings(sample.id, str(sample.attributes.get("language") or ""))
            found += lyric_findings(sample.id, lyric_tokens(self._lyric_tokenizer, sample, self.checkpoint.settings))
        return found

    @cached_property
    def _lyric_tokenizer(self) -> LyricTokenizer:
        from tunesmith.families.ace_step.encoder import lyric_tokenizer

        return lyric_tokenizer(self.checkpoint.folder, self.checkpoint.settings)
