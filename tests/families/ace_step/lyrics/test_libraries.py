"""Optional libraries: not touched without need, and named with the command that installs them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.families.ace_step.lyrics.make_small_vocab import FILE
from tunesmith.errors import TunesmithError
from tunesmith.families.ace_step.lyrics import clean, languages
from tunesmith.families.ace_step.lyrics.tokenizer import LyricTokenizer

LIBRARIES = ("num2words", "pypinyin", "hangul_romanize", "py3langid", "cutlet", "fugashi", "unidic_lite")


@pytest.fixture
def none_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = [name for name in sys.modules if name.split(".")[0] in LIBRARIES]
    for name in (*loaded, *LIBRARIES):
        monkeypatch.setitem(sys.modules, name, None)
    for cached in (clean._cutlet, clean._transliterator, languages._identifier):
        cached.cache_clear()


@pytest.mark.usefixtures("none_installed")
@pytest.mark.parametrize(
    ("lyrics", "library", "extra"),
    [
        ("I have 3 apples", "num2words", "lyrics"),
        ("你好", "pypinyin", "lyrics"),
        ("안녕", "hangul_romanize", "lyrics"),
        ("こんにちは", "unidic_lite", "japanese"),
    ],
)
def test_a_missing_library_is_named_with_its_command(
    lyrics: str, library: str, extra: str, small: LyricTokenizer
) -> None:
    language = "en" if lyrics.isascii() else "auto"
    with pytest.raises(TunesmithError, match=rf"{library}.*pip install .tunesmith\[{extra}\]."):
        small.encode(lyrics, language)


@pytest.mark.usefixtures("none_installed")
def test_latin_lyrics_need_py3langid_only_to_be_judged(small: LyricTokenizer) -> None:
    lyrics = "[verse]\noh sing it one more time"
    assert small.encode(lyrics, "en").unknown == 0
    with pytest.raises(TunesmithError, match=r"options\.language.*py3langid.*pip install"):
        small.encode(lyrics)
    assert small.encode("[inst]\nla la la\nпривет").unknown == 0


def test_a_plain_english_lyric_imports_none_of_them() -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from tunesmith.families.ace_step.lyrics.tokenizer import LyricTokenizer\n"
        f"LyricTokenizer(Path({str(FILE)!r})).encode('[verse]\\nhello there', 'en')\n"
        f"print([name for name in {('torch', *LIBRARIES)!r} if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
