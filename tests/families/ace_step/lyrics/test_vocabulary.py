"""Where the vocabulary comes from, and what is refused."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import IncompleteRead
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from tests.families.ace_step.lyrics.make_small_vocab import FILE as SMALL
from tests.golden_files import golden_path
from tunesmith.errors import TunesmithError
from tunesmith.families.ace_step.lyrics import vocabulary
from tunesmith.families.ace_step.lyrics.vocabulary import FILE, cache_path, load_vocabulary, locate_vocabulary

ENTRIES = len(json.loads(SMALL.read_text(encoding="utf-8"))["model"]["vocab"])


@pytest.fixture
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "checkpoint"
    (folder / "ace_step_transformer").mkdir(parents=True)

    def make(entries: int) -> Path:
        config = folder / "ace_step_transformer" / "config.json"
        config.write_text(json.dumps({"lyric_encoder_vocab_size": entries}))
        return folder

    return make


def test_a_path_that_was_given(checkpoint: Callable[[int], Path]) -> None:
    assert locate_vocabulary(str(SMALL), checkpoint(ENTRIES)) == SMALL


@pytest.mark.parametrize("place", ["", "ace_step_transformer"])
def test_a_file_beside_the_weights(place: str, checkpoint: Callable[[int], Path]) -> None:
    folder = checkpoint(ENTRIES)
    file = folder / place / FILE
    shutil.copy(SMALL, file)
    assert locate_vocabulary("", folder) == file


def test_a_vocabulary_of_another_size_is_refused(checkpoint: Callable[[int], Path]) -> None:
    with pytest.raises(TunesmithError, match=f"{ENTRIES} entries, the checkpoint {ENTRIES + 1} lyric embeddings"):
        locate_vocabulary(str(SMALL), checkpoint(ENTRIES + 1))


def test_a_custom_checkpoint_without_its_vocabulary_downloads_nothing(checkpoint: Callable[[int], Path]) -> None:
    with pytest.raises(TunesmithError, match=r"500 lyric embeddings.*options\.lyric_vocabulary"):
        locate_vocabulary("", checkpoint(500))


@pytest.mark.parametrize("content", [b"", b"{}", b"[1, 2]", b"\xff\xfe\x00", b"not json", b'{"model": {}}'])
def test_what_is_no_vocabulary_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "v.json"
    path.write_bytes(content)
    with pytest.raises(TunesmithError, match=r"v\.json: this file is no vocabulary"):
        load_vocabulary(path)


def test_a_vocabulary_without_the_markers_is_refused(tmp_path: Path) -> None:
    raw = json.loads(SMALL.read_text(encoding="utf-8"))
    raw["added_tokens"] = [token for token in raw["added_tokens"] if token["content"] != "[ko]"]
    del raw["model"]["vocab"]["[ko]"]
    (tmp_path / "v.json").write_text(json.dumps(raw), encoding="utf-8")
    with pytest.raises(TunesmithError, match=r"lacks \[ko\]"):
        load_vocabulary(tmp_path / "v.json")


def test_a_missing_file_is_named(checkpoint: Callable[[int], Path]) -> None:
    with pytest.raises(TunesmithError, match=r"nowhere\.json: no such file"):
        locate_vocabulary("/nowhere.json", checkpoint(ENTRIES))


# --- the published file: stand-ins for its bytes --------------------------------------------------------------------


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> bytes:
    content = SMALL.read_bytes()
    monkeypatch.setattr(vocabulary, "SHA256", hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    return content


class _Answer(io.BytesIO):
    def __exit__(self, *_: object) -> None:
        self.close()


def _serve(monkeypatch: pytest.MonkeyPatch, answer: bytes | Exception) -> list[str]:
    asked: list[str] = []

    def urlopen(url: str, timeout: float) -> Any:
        assert timeout > 0
        asked.append(url)
        if isinstance(answer, Exception):
            raise answer
        return _Answer(answer)

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    return asked


def test_the_download_is_checked_and_kept(
    checkpoint: Callable[[int], Path], published: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = _serve(monkeypatch, published)
    folder = checkpoint(vocabulary.ENTRIES)
    assert locate_vocabulary("", folder) == cache_path() == locate_vocabulary("", folder)
    assert cache_path().read_bytes() == published
    assert asked == [vocabulary.URL], "the second time it is read from the cache"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"<html>sign in</html>", "is not the file"),
        (urllib.error.URLError("no route"), "no route"),
        (TimeoutError("timed out"), "timed out"),
        (IncompleteRead(b""), "download failed"),
    ],
)
def test_a_failed_download_says_what_to_do(
    answer: bytes | Exception,
    said: str,
    checkpoint: Callable[[int], Path],
    published: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _serve(monkeypatch, answer)
    with pytest.raises(TunesmithError) as caught:
        locate_vocabulary("", checkpoint(vocabulary.ENTRIES))
    text = str(caught.value)
    assert all(part in text for part in (said, vocabulary.URL, "364,005 bytes", "licence", "options.lyric_vocabulary"))
    assert not cache_path().exists()


def test_a_damaged_cache_is_fetched_again(
    checkpoint: Callable[[int], Path], published: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = checkpoint(vocabulary.ENTRIES)
    cache_path().parent.mkdir(parents=True)
    cache_path().write_bytes(published[:100])
    _serve(monkeypatch, published)
    assert locate_vocabulary("", folder).read_bytes() == published


def test_offline_asks_nobody(
    checkpoint: Callable[[int], Path], published: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = _serve(monkeypatch, published)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(TunesmithError, match="HF_HUB_OFFLINE is set"):
        locate_vocabulary("", checkpoint(vocabulary.ENTRIES))
    assert asked == []


def test_an_installed_package_is_read_but_not_run(
    checkpoint: Callable[[int], Path], published: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "site" / "acestep"
    (package / "models" / "lyrics_utils").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "models" / "lyrics_utils" / "vocab.json").write_bytes(published)
    monkeypatch.syspath_prepend(str(package.parent))
    asked = _serve(monkeypatch, b"")
    found = locate_vocabulary("", checkpoint(vocabulary.ENTRIES))
    assert found == package / "models" / "lyrics_utils" / "vocab.json"
    assert asked == [] and "acestep" not in sys.modules


def test_golden_published_file_is_the_one_that_is_expected(checkpoint: Callable[[int], Path]) -> None:
    path = golden_path("ace_step/lyric_vocab.json")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == vocabulary.SHA256
    assert path.stat().st_size == vocabulary.SIZE_BYTES
    assert locate_vocabulary(str(path), checkpoint(vocabulary.ENTRIES)) == path
