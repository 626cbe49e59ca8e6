"""Files are complete or absent, carry the user's permissions, and a full disk is said whoever notices it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tunesmith.errors import TunesmithError
from tunesmith.files import atomic_folder, atomic_path, is_disk_full, write_text


@pytest.mark.parametrize(
    ("mask", "file", "folder"), [(0o022, 0o644, 0o755), (0o077, 0o600, 0o700), (0o002, 0o664, 0o775)]
)
def test_the_umask_decides_who_may_read(tmp_path: Path, mask: int, file: int, folder: int) -> None:
    before = os.umask(mask)
    try:
        with atomic_folder(tmp_path / "best_model") as temporary:
            write_text(temporary / "README.md", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "best_model").stat().st_mode) == folder
    assert stat.S_IMODE((tmp_path / "best_model" / "README.md").stat().st_mode) == file


def test_a_folder_that_cannot_be_replaced_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text(tmp_path / "best_model" / "old.txt", "old")
    replace = os.replace

    def refuse_the_new_one(source: Path, target: Path) -> None:
        if Path(source).name != "best_model" and not Path(source).name.endswith(".old"):
            raise OSError(5, "Input/output error")
        replace(source, target)

    with pytest.raises(TunesmithError, match="Input/output"), atomic_folder(tmp_path / "best_model"):
        monkeypatch.setattr(os, "replace", refuse_the_new_one)
    assert [path.name for path in tmp_path.iterdir()] == ["best_model"]
    assert (tmp_path / "best_model" / "old.txt").exists()


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 576 vs 534"),
        Exception("Error while serializing: I/O error: No space left on device (os error 28)"),
        OSError("Not enough free space to write 16777216 bytes after offset 128"),
        OSError(28, "No space left on device"),
    ],
)
def test_a_full_disk_is_said_in_every_librarys_words(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(TunesmithError, match="the disk is full"), atomic_path(tmp_path / "a.bin"):
        raise error
    assert list(tmp_path.iterdir()) == []


def test_other_failures_are_not_called_a_full_disk(tmp_path: Path) -> None:
    assert not is_disk_full(RuntimeError("shapes do not fit"))
    with pytest.raises(RuntimeError, match="shapes"), atomic_folder(tmp_path / "a"):
        raise RuntimeError("shapes do not fit")
