"""The pocket model's tokenizer: known words whole, other words letter by letter, in T5's own format."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import T5Tokenizer

WORDS = """
808 a acoustic airy ambient and arpeggio at bass beat beats bell bells bpm break breakbeat breaks bright brass busy
back calm chiptune choir chords clap claps classical clean club cold crisp dance dark deep distorted dreamy drone drum
drums dub dubstep edm electric electronic energetic ensemble epic fast feel flute folk funk funky game gentle gliding
grand groove guitar happy hard harp hat hats heavy hi hip hop hopeful house in instrumental intro jazz jungle kick
laid lead lofi loop loud low major mellow melody menacing metal minor mood moody music of orchestral organ pad pads
percussion phonk piano playful plucked pluck pop punk reese relaxed reverb rhythm rock roll rolling rolls sad saw sax
sharp slide slow snare soft solo soul square strings sub swing synth synthwave tempo techno the tight to trance trap
upbeat vocal vocals violin warm with without wobble key c d e f g
""".split()  # noqa: SIM905
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,;:!?'\"()[]{}-_/&+#%*=@|~<>$"
SPACE = "\u2581"


def make_tokenizer() -> T5Tokenizer:
    """A T5 tokenizer that needs no download; characters outside ASCII become ``<unk>``."""
    from transformers import T5Tokenizer

    words = dict.fromkeys([*WORDS, *map(str, range(40, 201))])
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), (SPACE, -6.0)]
    pieces += [(SPACE + word, -5.0) for word in words]
    pieces += [(letter, -9.0) for letter in LETTERS]
    return T5Tokenizer(vocab=pieces, extra_ids=0)
