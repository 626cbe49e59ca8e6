"""A vocabulary of a few hundred entries for tests: byte pairs over text of our own, the published markers' names.

Markers whose published id is below 298 have it; the others follow after all pairs. Run as a module to write the file.
"""

from __future__ import annotations

import json
from pathlib import Path

from tunesmith.families.ace_step.lyrics.languages import SUPPORTED
from tunesmith.families.ace_step.lyrics.structure import TAGS

FILE = Path(__file__).with_name("small_vocab.json")
PAIRS = 330
PUBLISHED_IDS = {
    "[STOP]": 0, "[UNK]": 1, "[SPACE]": 2, "[START]": 261, "[en]": 259, "[de]": 260, "[fr]": 262, "[ru]": 267,
    "[es]": 284, "[it]": 285, "[pt]": 286, "[cs]": 293, "[pl]": 294, "[tr]": 295, "[nl]": 297,
}  # fmt: skip
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789!'(),-.:;?&’" + "àáâäåæçèéêëíîïñòóôöùúûüýßœãõąćęłńśźżčďěňřšťůžőűğış"
LETTERS += "абвгдежзийклмнопрстуфхцчшщъыьэюяё" + "ابتثجحخدذرزسشصضطظعغفقكلمنهويء" + "नमसतदुय्ेिा"
TEXT = """
the harbour lights go out and i am still awake counting every window on the hill
you left your coat behind the door and nothing else to prove that you were here
we were young we were loud we were never coming home before the morning
oh sing it slowly sing it one more time for everyone who stayed
turn the engine off and listen to the river under us
ich gehe durch die nacht und suche nach dem licht das du mir gabst
je marche dans la ville et je pense encore à toi sous la pluie
camino por la calle y el viento me cuenta tu nombre otra vez
wo3 zai4 deng3 ni3 hui2 lai2 tian1 hei1 le5 xing1 xing1 dou1 liang4 le5 shi4 jie4 hen3 an1 jing4
sora wo miageru to hoshi ga hitotsu dake nokotte ita
balam-i bulgo narneun geud-e gidaligo iss-eo
мы идём по пустой дороге и поём о том что было летом
"""


def make_small_vocab() -> str:
    """The vocabulary as the ``tokenizers`` library's JSON."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.BpeTrainer(
        vocab_size=PAIRS, initial_alphabet=list(LETTERS), show_progress=False, min_frequency=1
    )
    tokenizer.train_from_iterator(TEXT.split(), trainer)
    raw = json.loads(tokenizer.to_str())
    taken = {number: marker for marker, number in PUBLISHED_IDS.items()}
    free = (number for number in range(PAIRS + len(taken)) if number not in taken)
    vocabulary = {text: next(free) for text in sorted(raw["model"]["vocab"], key=raw["model"]["vocab"].__getitem__)}
    markers = dict(PUBLISHED_IDS)
    for name in (*("zh-cn" if code == "zh" else code for code in SUPPORTED), *TAGS):
        markers.setdefault(f"[{name}]", PAIRS + len(markers))
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    raw["model"]["vocab"] = dict(sorted((vocabulary | markers).items(), key=lambda item: item[1]))
    raw["added_tokens"] = [
        {"id": number, "content": marker, **flags} for marker, number in sorted(markers.items(), key=lambda i: i[1])
    ]
    return json.dumps(raw, ensure_ascii=False, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    FILE.write_text(make_small_vocab(), encoding="utf-8")
