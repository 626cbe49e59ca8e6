"""Where the clean clips come from: what thresholds were fitted on, and what no threshold has met."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diagnosis_cases import midi


@dataclass(frozen=True)
class Sources:
    """Material of all six kinds.

    Attributes:
        music: Debian packages of game music.
        speech: Of recorded speech.
        loops: One of sample loops.
        loop_files: Patterns of its loops.
        soundfont: A package with a soundfont.
        styles: What is composed for it, :attr:`pieces` of each.
        pieces: Seeds.
        beats: Seeds of 808 beats.
        voices: Of espeak-ng, by language.
        sentences: What they say, by language.
    """

    music: tuple[str, ...]
    speech: tuple[str, ...]
    loops: str
    loop_files: tuple[str, ...]
    soundfont: str
    styles: tuple[str, ...]
    pieces: range
    beats: range
    voices: Mapping[str, tuple[str, ...]]
    sentences: Mapping[str, tuple[str, ...]]


SEEN = Sources(
    music=("asc-music", "hyperrogue-music", "singularity-music", "wesnoth-1.16-music"),
    speech=("asterisk-core-sounds-en-wav", "asterisk-core-sounds-fr-wav"),
    loops="sonic-pi-samples",
    loop_files=("loop_*.flac",),
    soundfont="timgm6mb-soundfont",
    styles=midi.STYLES,
    pieces=range(7),
    beats=range(36),
    voices={"en": ("en-us", "en-gb+f3", "en-gb-scotland+m3", "en-029+f4", "en-gb-x-rp+m7", "en-us+f2")},
    sentences={
        "en": (
            "The harbour lies in fog this morning, and no ship has left; the pilots wait for the wind to turn.",
            "Please bring two loaves of bread, a bag of apples and some coffee, before the shops close at six.",
            "When the lights went out, everybody laughed, somebody lit a candle, and the band went on playing.",
            "There are seven bridges over the river, but only three of them carry trains, and one is closed.",
            "She opened the letter slowly, read it twice without a word, and put it back where she had found it.",
            "A long winter makes for a short spring, say the farmers, and this year they may well be right.",
        )
    },
)
"""Split into ``fit`` and ``report`` by source."""
FRESH = Sources(
    music=("drascula-music", "extremetuxracer-data", "pathological", "zaz-data"),
    speech=("asterisk-core-sounds-es-wav", "asterisk-core-sounds-ru-wav"),
    loops="lmms-common",
    loop_files=("beats/*.ogg", "bassloops/*.ogg"),
    soundfont="fluidr3mono-gm-soundfont",
    styles=(*midi.OTHER_STYLES, "band", "piano", "house"),
    pieces=range(100, 106),
    beats=range(1000, 1024),
    voices={"de": ("de", "de+f5"), "it": ("it+m2", "it+f1"), "es": ("es+m6", "es-419+f4")},
    sentences={
        "de": (
            "Der Zug nach Norden fährt heute von Gleis sieben, und er wartet nicht auf den Bus vom Hafen.",
            "Wenn es am Abend kühler wird, sitzen die Nachbarn im Hof, trinken Tee und reden über alte Zeiten.",
            "Auf dem Tisch lagen zwei Briefe, ein Schlüssel und eine Karte, aber niemand wusste, von wem sie waren.",
            "Die Brücke wird im Frühjahr erneuert, darum fahren alle Wagen über das Dorf im Tal.",
        ),
        "it": (
            "La nave parte domani all'alba, se il vento lo permette, e torna prima della fine del mese.",
            "Nel cortile della scuola c'è un vecchio albero, e sotto di esso i bambini giocano a carte.",
            "Vorrei due chili di pane, un po' di formaggio e una bottiglia di vino, per favore.",
            "La strada per la montagna è chiusa, perché questa notte è caduta molta neve.",
        ),
        "es": (
            "El mercado abre a las siete, pero los panaderos llegan mucho antes, cuando todavía es de noche.",
            "Mi abuela guardaba las cartas en una caja azul, y nunca dejó que nadie las leyera.",
            "Cuando deja de llover, los niños salen a la calle, saltan en los charcos y vuelven mojados.",
            "El tren se detuvo en medio del campo, y durante una hora nadie supo por qué.",
        ),
    },
)
"""The half ``fresh``: other games, speakers, loops, instruments, seeds and languages."""
