"""The pocket model's text tokeniser: the words of its sentences and the fixed parts of its prompts have one id each.

Byte-level, so that every text has ids; but words beyond its list are spelt in bytes that no training has seen.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tools.pocket.step_audio.edits import EDITS
from tools.pocket.step_audio.sentences import WORDS
from tools.pocket.step_audio.tokenisers import VQ02_CODES, VQ06_CODES
from tunesmith.families.step_audio.config import TokenIds
from tunesmith.families.step_audio.edits import instruction
from tunesmith.families.step_audio.markup import BOS, BOT, EOS, EOT
from tunesmith.families.step_audio.prompts import SPEAKER, chat, clone_turns, edit_turns

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SPECIAL = ("<unk>", BOS, EOS, EOT, BOT)
"""At ids 0 to 4, as in the released vocabulary."""
_TEXT, _AUDIO = "\ue000", "<audio_0>"


def make_text_tokeniser() -> Tokenizer:
    """The vocabulary: special tokens, bytes, words with the space before them, fixed parts of prompts."""
    from tokenizers import AddedToken, Tokenizer
    from tokenizers.decoders import ByteLevel as ByteLevelDecoder
    from tokenizers.models import BPE
    from tokenizers.normalizers import Lowercase
    from tokenizers.pre_tokenizers import ByteLevel
    from tokenizers.trainers import BpeTrainer

    tokeniser = Tokenizer(BPE(unk_token=SPECIAL[0]))
    tokeniser.normalizer = Lowercase()
    tokeniser.pre_tokenizer = ByteLevel(add_prefix_space=True, use_regex=False)
    tokeniser.decoder = ByteLevelDecoder()
    trainer = BpeTrainer(
        vocab_size=10_000, min_frequency=1, show_progress=False, special_tokens=list(SPECIAL),
        initial_alphabet=ByteLevel.alphabet(),
    )  # fmt: skip
    kinds = {word for edit in EDITS for word in edit.info.split()}
    tokeniser.train_from_iterator([*WORDS, *sorted(kinds)], trainer)
    # A role is said with and without a space before it, by the two layouts.
    tokeniser.add_tokens([AddedToken(part.lstrip(" "), lstrip=part[0] == " ", normalized=False) for part in fixed()])
    return tokeniser


def fixed() -> list[str]:
    """The parts of the family's prompts that are the same in every prompt of this model."""
    prompts = [chat(clone_turns(_TEXT, _AUDIO, _TEXT, SPEAKER))]
    for edit in EDITS:
        request = instruction(edit.kind, edit.info or None, _TEXT)
        prompts.append(chat(edit_turns(request.replace(f"more {edit.info}", f"more {_TEXT}"), _AUDIO)))
    marks = "|".join(map(re.escape, (_TEXT, _AUDIO, *SPECIAL)))
    parts = (part for prompt in prompts for part in re.split(f"{marks}|(?<=human\n)", prompt))
    return list(dict.fromkeys(filter(None, parts)))


def token_ids(tokeniser: Tokenizer) -> TokenIds:
    """The ids of a model with this vocabulary; audio follows text."""
    return TokenIds(tokeniser.get_vocab_size(with_added_tokens=True), VQ02_CODES, VQ06_CODES)
