"""Language by script, and by the whole text for Latin letters."""

from __future__ import annotations

import pytest

from tunesmith.errors import TunesmithError
from tunesmith.families.ace_step.lyrics.languages import SUPPORTED, line_languages, supported_code


@pytest.mark.parametrize(
    ("line", "language"),
    [
        ("안녕하세요 baby", "ko"), ("さくら", "ja"), ("桜が咲く", "ja"), ("ｻｸﾗ", "ja"), ("全世界 都在 train", "zh"),
        ("привет мир", "ru"), ("مرحبا بالعالم", "ar"), ("नमस्ते दुनिया", "hi"), ("𠮷", "zh"),
        ("привет, hello my dear friend", "ru"), ("我说 привет привет", "ru"),
        ("Γεια σου", "en"), ("สวัสดี", "en"), ("שלום", "en"), ("🎵 🎵", "en"), ("...", "en"), ("12", "en"),
        ("la la la", "en"), ("A B C D E", "en"),
    ],
)  # fmt: skip
def test_a_line_alone(line: str, language: str) -> None:
    assert line_languages([line]) == [language]


def test_han_lines_of_a_japanese_song_are_japanese() -> None:
    assert line_languages(["桜が咲く頃に", "東京", "君と出会った"]) == ["ja", "ja", "ja"]
    chinese = "我们一起在海边唱了一首很长很长的歌"
    assert line_languages([chinese, "さくら", "东京"]) == ["zh", "ja", "zh"], "one Japanese line in a Chinese song"


def test_lines_without_letters_go_with_the_majority() -> None:
    assert line_languages(["1 2 3", "我们", "...", "你们", "hello"]) == ["zh", "zh", "zh", "zh", "en"]


SONGS = {
    "en": "I left the window open all night\nthe city kept on humming\nand nobody came to ask me why",
    "fr": "Je marche seul dans les rues de la ville\net je pense encore à toi\npourquoi es-tu partie",
    "de": "Ich gehe durch die Straßen dieser Stadt\nund denke immer noch an dich\nwarum bist du gegangen",
    "es": "Camino solo por las calles\ny todavía pienso en ti\npor qué te fuiste de aquí",
    "it": "Cammino da solo per le strade\ne penso ancora a te\nperché sei andata via",
    "pt": "Eu caminho sozinho pelas ruas\ne ainda penso em você\npor que você foi embora",
    "pl": "Idę sam przez ulice miasta\ni wciąż myślę o tobie\ndlaczego odeszłaś ode mnie",
    "nl": "Ik loop alleen door de straten\nen denk nog steeds aan jou\nwaarom ben je weggegaan",
    "tr": "Sokaklarda yalnız yürüyorum\nhâlâ seni düşünüyorum\nneden gittin sevgilim",
    "cs": "Jdu sám ulicemi města\na stále na tebe myslím\nproč jsi odešla",
    "hu": "Egyedül járok az utcákon\nés még mindig rád gondolok\nmiért mentél el",
}


@pytest.mark.parametrize("language", SONGS)
def test_latin_lines_share_the_texts_language(language: str) -> None:
    pytest.importorskip("py3langid")
    lines = [*SONGS[language].split("\n"), "oh oh"]
    assert line_languages(lines) == [language] * len(lines)


@pytest.mark.parametrize(
    "lyrics",
    [
        "Xin chào thế giới\nTôi yêu bạn rất nhiều",
        "Minä rakastan sinua\nTänään on kaunis päivä",
        "Jag går ensam genom gatorna\noch tänker på dig än",
        "Aku berjalan sendiri di jalanan kota\ndan masih memikirkanmu",
    ],
)
def test_languages_without_a_token_are_english(lyrics: str) -> None:
    pytest.importorskip("py3langid")
    assert set(line_languages(lyrics.split("\n"))) == {"en"}


def test_latin_words_of_mixed_lines_help_to_judge_latin_lines() -> None:
    pytest.importorskip("py3langid")
    lines = ["我们 dans les rues de la ville", "et je pense encore à toi 你", "toi moi toujours"]
    assert line_languages(lines) == ["zh", "zh", "fr"]


@pytest.mark.parametrize(("asked", "code"), [("zh", "zh"), ("ZH-cn", "zh"), ("pt_BR", "pt"), (" en ", "en")])
def test_codes_as_people_write_them(asked: str, code: str) -> None:
    assert supported_code(asked) == code


@pytest.mark.parametrize("asked", ["fi", "english", "", "yue", "中文"])
def test_an_unsupported_code_names_the_supported_ones(asked: str) -> None:
    with pytest.raises(TunesmithError) as caught:
        supported_code(asked)
    assert all(code in str(caught.value) for code in SUPPORTED)
    assert "options.language" in str(caught.value)
