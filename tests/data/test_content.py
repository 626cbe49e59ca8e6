"""Equal bytes give equal keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.sounds import phrase, save
from tunesmith.data import content
from tunesmith.data.content import (
    audio_key,
    checkpoint_content,
    content_key,
    ends_digest,
    file_digest,
    key_of_many,
    weights_digest,
)
from tunesmith.data.sample import AudioRef
from tunesmith.errors import TunesmithError


def test_parts_that_are_too_many_to_hold_have_the_same_key() -> None:
    for parts in ([], ["a"], ["a", ("b", 3), None, "\udce9", ""]):
        assert key_of_many(iter(parts)) == content_key(*parts)


def test_a_large_file_is_known_by_size_and_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "_READ_WHOLE", 6)
    monkeypatch.setattr(content, "_SAMPLED", 2)

    def of(data: bytes, name: str = "a") -> str:
        (tmp_path / name).write_bytes(data)
        return ends_digest(tmp_path / name)

    base = of(b"12345678")
    assert of(b"12345678", "b") == of(b"12xxxx78", "c") == base
    assert len({base, of(b"x2345678", "d"), of(b"1234567x", "e"), of(b"12345x78" + b"78", "f")}) == 4
    assert of(b"123456", "g") != of(b"12x456", "h")  # a small one is read whole
    with pytest.raises(TunesmithError, match="none"):
        ends_digest(tmp_path / "none")


def test_a_file_that_was_once_read_in_part_has_another_key(tmp_path: Path) -> None:
    plain, behind = (save(tmp_path / f"{n}.flac", phrase(n, 1.0)) for n in (1, 2))
    joined = tmp_path / "joined.flac"
    joined.write_bytes(plain.read_bytes() + behind.read_bytes())
    for path, is_whole in ((plain, True), (joined, False)):
        former = content_key(file_digest(path), 0.0, None)
        assert (audio_key(AudioRef(str(path))) == former) is is_whole


def test_a_checkpoint_of_several_folders_is_known_by_all_of_them(tmp_path: Path) -> None:
    base = tmp_path / "base"
    (base / "part").mkdir(parents=True)
    (base / "config.json").write_text("{}")
    (base / "part" / "model.safetensors").write_bytes(b"one")
    before = checkpoint_content(base)
    (base / "part" / "model.safetensors").write_bytes(b"two")
    weights_digest.cache_clear()
    assert checkpoint_content(base) != before and before.startswith("base (")


def test_what_is_known_of_a_file_is_forgotten_with_its_state_and_with_too_many_files(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(content, "_MOST_KNOWN", 3)
    known, found = content.KnownFiles[int](), []
    paths = [tmp_path / f"{n}\udce9.wav" for n in range(4)]

    def look(path: Path) -> int:
        return known.of(path, path.stat(), lambda: found.append(path.name) or len(found))

    for path in paths:
        path.write_bytes(b"a")
    assert [look(path) for path in (*paths[:3], *paths[:3])] == [1, 2, 3, 1, 2, 3]
    paths[1].write_bytes(b"bb")
    assert look(paths[1]) == 4 and len(known.values) == 3
    assert look(paths[2]) == 3 and look(paths[0]) == 5, "the oldest made room"
