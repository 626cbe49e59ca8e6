"""Equal bytes give equal keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith.data import content
from tunesmith.data.content import ends_digest
from tunesmith.errors import TunesmithError


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
