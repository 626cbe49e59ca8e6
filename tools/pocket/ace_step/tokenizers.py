"""The pocket's two vocabularies, its text encoder's sizes, and words for lyrics.

Both vocabularies are this project's own; nothing of the published ones is in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.pocket.vocabulary import LETTERS, unigram_pieces

if TYPE_CHECKING:
    import numpy as np
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast, UMT5EncoderModel

LANGUAGES = (
    "en", "de", "fr", "es", "it", "pt", "pl", "tr", "ru", "cs", "nl", "ar", "zh-cn", "ja", "hu", "ko", "hi",
)  # fmt: skip
STRUCTURE = (
    "start", "intro", "verse", "chorus", "bridge", "outro", "end", "inst", "solo", "hook", "pre-chorus", "break",
)  # fmt: skip
LYRIC_WORDS = """
a again all alone always am and are around away baby be beat believe better blue breathe bright burning by call can
carry city close cold come crazy cry dance dark day deep do don't down dream drive every everything eyes fall far fast
feel feeling find fire floor fly follow for forever forget free from give go gone good goodbye got ground hand hands
hard have he heart heaven hello her here high hold home hope hot how hurt i i'm i've if in inside is it it's just keep
know la late leave let life light like line little live lonely long look lose lost love low make maybe me mean mind
minute moment moon more morning move music my need never new night no nobody nothing now of oh on one only open out
over pain play please promise rain ready remember ride right rise river road rock run same say see she shine show silver
sing skin sky sleep slow smile so some somebody something song soul sound stand star start stay still stop storm street
strong summer sun sweet take talk tell that the there thing think this through tide time to together tomorrow tonight
touch true try turn under up wait walk wall wanna want was watch water wave way we were what when where who why wild
will wind window winter wish with without wonder word world would yeah yes yesterday you young your
wo de ni shi bu zai you wan ai xin tian yi ge lai qu dao shuo xiang meng feng yu ye guang hui wei le ren jian shou
""".split()  # noqa: SIM905
ACCENTS = "àáâãäåæçèéêëìíîïñòóôõöøùúûüýÿąćčďęěğıłńňőřśşšťůűźżžßœ"
CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюяё"


def make_caption_tokenizer() -> PreTrainedTokenizerFast:
    """Known words whole, other words letter by letter, ``</s>`` at the end; upper case is read as lower case."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    pieces = unigram_pieces(STRUCTURE, LETTERS.lower())
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=2, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")]
    )
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=256
    )


def make_text_encoder(vocabulary: int) -> UMT5EncoderModel:
    """A UMT5 encoder of 0.1 M parameters that has not been trained; dropout is 0."""
    from transformers import UMT5Config, UMT5EncoderModel

    config = UMT5Config(
        vocab_size=vocabulary, d_model=64, d_kv=16, d_ff=128, num_layers=2, num_heads=4, dropout_rate=0.0,
        feed_forward_proj="gated-gelu", is_encoder_decoder=False, use_cache=False,
    )  # fmt: skip
    return UMT5EncoderModel(config)


def make_lyric_vocabulary(size: int = 500) -> Tokenizer:
    """Byte pairs over :data:`LYRIC_WORDS`, with the published vocabulary's markers at ids of their own.

    Reserved are ``[STOP]`` 0 (a line's end is ``[SPACE]``, nothing at all is id 0), ``[UNK]`` 1, ``[SPACE]`` 2,
    ``[START]``, a marker per language, and the tags of a song's structure.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    markers = [*(f"[{name}]" for name in ("STOP", "UNK", "SPACE", "START", *LANGUAGES, *STRUCTURE))]
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    letters = [*dict.fromkeys(LETTERS.lower() + ACCENTS + CYRILLIC)]
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=markers, initial_alphabet=letters, show_progress=False, min_frequency=1
    )
    tokenizer.train_from_iterator(sorted(LYRIC_WORDS), trainer)
    return tokenizer


def make_lyrics(rngs: np.random.Generator) -> str:
    """A few lines of words under structure tags, for clips that in truth have no voice."""
    lines = []
    for _ in range(int(rngs.integers(1, 4))):
        lines.append(f"[{STRUCTURE[int(rngs.integers(len(STRUCTURE)))]}]")
        for _ in range(int(rngs.integers(0, 3))):
            words = [LYRIC_WORDS[int(n)] for n in rngs.integers(0, len(LYRIC_WORDS), int(rngs.integers(2, 6)))]
            lines.append(" ".join(words))
    return "\n".join(lines)


def lyric_ids(tokenizer: Tokenizer, lyrics: str) -> list[int]:
    """Ids of English lyrics: ``[START]``, then each line's ids after its language, and ``[SPACE]`` after each line."""
    lines = "".join(f"[en]{line}[SPACE]" if line else "[SPACE]" for line in lyrics.split("\n"))
    ids: list[int] = tokenizer.encode("[START]" + lines.replace(" ", "[SPACE]")).ids
    return ids
