"""Clips at an address: what is copied, what is fetched again, and what is said where nothing can be read."""

from __future__ import annotations

import fsspec
import pytest

from tunesmith.data import remote
from tunesmith.data.remote import copy_remote, is_copied, local_place
from tunesmith.errors import TunesmithError

ADDRESS = "memory://bucket/some clips"


@pytest.fixture
def bucket(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    system = fsspec.filesystem("memory")
    for name, data in {"a.wav": b"one", "sub/b.flac": b"two", "a.txt": b"a caption"}.items():
        system.pipe(f"/bucket/some clips/{name}", data)
    yield system
    system.rm("/bucket", recursive=True)


def copied() -> list[str]:
    """Brings the copy up to date; what it is then."""
    copy_remote(ADDRESS, lambda files: lambda: None)
    place = local_place(ADDRESS)
    return sorted(path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file())


def fetched(monkeypatch, system) -> list[str]:
    names, get_file = [], type(system).get_file

    def noted(self, address, target, **rest):
        names.append(address.rpartition("/")[2])
        return get_file(self, address, target, **rest)

    monkeypatch.setattr(type(system), "get_file", noted)
    return names


def test_clips_and_their_texts_are_copied_and_nothing_else(bucket, monkeypatch):
    monkeypatch.setattr(remote, "MOST_BYTES", 100)
    bucket.pipe("/bucket/some clips/video.mkv.part", b"0" * 101)
    bucket.pipe("/bucket/some clips/.hidden/c.wav", b"three")
    bucket.pipe("/bucket/long.wav", b"beside it")
    bucket.pipe("/bucket/some clips/long.wav", b"0" * 101)
    assert not is_copied(ADDRESS)
    assert copied() == ["a.txt", "a.wav", "long.wav", "sub/b.flac"]
    assert is_copied(ADDRESS)
    assert (local_place(ADDRESS) / "sub" / "b.flac").read_bytes() == b"two"
    assert local_place(ADDRESS).name == "some clips", "captions may be guessed from it"


def test_only_what_has_changed_is_fetched_again(bucket, monkeypatch):
    copied()
    names = fetched(monkeypatch, bucket)
    assert copied() == ["a.txt", "a.wav", "sub/b.flac"] and names == []
    bucket.pipe("/bucket/some clips/a.wav", b"ONE")
    bucket.pipe("/bucket/some clips/new.wav", b"new")
    bucket.rm("/bucket/some clips/a.txt")
    (local_place(ADDRESS) / "sub" / "b.flac").unlink()
    assert copied() == ["a.wav", "new.wav", "sub/b.flac"] and sorted(names) == ["a.wav", "b.flac", "new.wav"]
    assert (local_place(ADDRESS) / "a.wav").read_bytes() == b"ONE"


def test_an_interrupted_copy_goes_on_where_it_was(bucket, monkeypatch):
    def stop_after_first(files):
        def done():
            raise KeyboardInterrupt

        return done

    with pytest.raises(KeyboardInterrupt):
        copy_remote(ADDRESS, stop_after_first)
    assert not is_copied(ADDRESS)
    names = fetched(monkeypatch, bucket)
    assert len(copied()) == 3 and len(names) == 2 and is_copied(ADDRESS)


def test_a_deleted_or_damaged_copy_is_made_again(bucket):
    copied()
    (local_place(ADDRESS).parent / remote.LISTING).write_text("{")
    assert not is_copied(ADDRESS)
    assert len(copied()) == 3 and is_copied(ADDRESS)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("memory://bucket/nothing here", "there are no files"),
        ("memory://", "this address cannot be read"),
        ("nosuch://bucket/clips", "nosuch"),
        ("memory://bucket/" + "x" * 300, "this address cannot be read"),
    ],
)
def test_what_cannot_be_read_is_said(bucket, address, said):
    with pytest.raises(TunesmithError, match=said) as caught:
        copy_remote(address, lambda files: lambda: None)
    assert caught.value.where == address and caught.value.remedy


def test_a_file_that_fails_is_said_and_what_was_copied_stays(bucket, monkeypatch):
    def refuse(self, address, target, **rest):
        raise PermissionError("no access to this object")

    monkeypatch.setattr(type(bucket), "get_file", refuse)
    with pytest.raises(TunesmithError, match="no access to this object"):
        copied()
    assert not is_copied(ADDRESS) and not list(local_place(ADDRESS).rglob("*.wav"))
