"""Words of captions: the ones that the pocket models read whole, and the letters that spell all others."""

from __future__ import annotations

from collections.abc import Iterable

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


def unigram_pieces(words: Iterable[str], letters: Iterable[str]) -> list[tuple[str, float]]:
    """Pieces with scores of a Unigram vocabulary in T5's format: markers, a space, ``words``, numbers, ``letters``.

    Args:
        words: Read whole after a space, beside the numbers from 40 to 200 (tempos).
        letters: What other words are spelt with.
    """
    known = dict.fromkeys([*WORDS, *map(str, range(40, 201)), *words])
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), (SPACE, -6.0)]
    pieces += [(SPACE + word, -5.0) for word in known]
    return pieces + [(letter, -9.0) for letter in dict.fromkeys(letters)]
