"""The encoded store: content-keyed, resumable, memory-mapped, damaged files said."""

from __future__ import annotations

import numpy as np
import pytest

from tunesmith.data.cache import DamagedEntryError, EncodedStore, FieldStore
from tunesmith.data.content import content_key
from tunesmith.data.fields import FieldSpec
from tunesmith.errors import TunesmithError

CODES = FieldSpec("codes", "<u2", time_axis=1, rate=50.0)


def arrays(count: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {content_key(i): rng.integers(0, 2048, (4, 10 + i)).astype(np.uint16) for i in range(count)}


def test_what_is_put_comes_back_whole_and_cropped(tmp_path):
    store = FieldStore(tmp_path, CODES)
    made = arrays(40)
    for key, array in made.items():
        store.put(key, array)
        if len(store._pending) == 7:
            store.flush()
    store.flush()
    again = FieldStore(tmp_path, CODES)
    assert len(again) == 40
    for key, array in made.items():
        row = again.row(key)
        assert np.array_equal(again.read(row), array)
        assert np.array_equal(again.read(row, 3, 5), array[:, 3:8])
        assert again.shape(row) == array.shape
    assert again.row(content_key("absent")) == -1


def test_what_was_not_flushed_is_as_if_never_put(tmp_path):
    store = FieldStore(tmp_path, CODES)
    made = list(arrays(6).items())
    store.put(*made[0])
    store.flush()
    store.put(*made[1])
    assert made[1][0] in store
    crashed = FieldStore(tmp_path, CODES)
    assert made[0][0] in crashed
    assert made[1][0] not in crashed
    with (tmp_path / "shard-00000.bin").open("ab") as file:
        file.write(b"\x01")  # a write cut in the middle of a number
    for key, array in made[2:]:
        crashed.put(key, array)
    crashed.flush()
    for key, array in made[2:]:
        assert np.array_equal(crashed.read(crashed.row(key)), array)


def test_shards_are_closed_when_they_are_full(tmp_path, monkeypatch):
    monkeypatch.setattr("tunesmith.data.cache.SHARD_BYTES", 200)
    store = FieldStore(tmp_path, CODES)
    made = arrays(12)
    for key, array in made.items():
        store.put(key, array)
    store.flush()
    assert len(list(tmp_path.glob("shard-*.bin"))) > 3
    assert all(np.array_equal(store.read(store.row(k)), a) for k, a in made.items())


def test_missing_names_only_what_is_not_there(tmp_path):
    store = EncodedStore(tmp_path, (CODES, FieldSpec("text", "<f4")))
    keys = {"codes": content_key("c"), "text": content_key("t")}
    store.put(keys, {"codes": np.ones((4, 3), np.uint16), "text": np.ones((2, 5), np.float32)})
    store.flush()
    assert store.missing(keys) == []
    assert store.missing({**keys, "text": content_key("edited")}) == ["text"]
    with pytest.raises(TunesmithError, match="1 of 2 clips are not encoded"):
        store.rows([keys, {**keys, "text": content_key("edited")}])


@pytest.fixture
def filled(tmp_path):
    store = FieldStore(tmp_path, CODES)
    for key, array in arrays(6).items():
        store.put(key, array)
    store.flush()
    return tmp_path


def flip(shard, at: int) -> None:
    content = bytearray(shard.read_bytes())
    content[at] ^= 1
    shard.write_bytes(content)


def test_a_damaged_index_counts_as_none(filled):
    (filled / "index.npy").write_bytes(b"garbage that is no array")
    assert len(FieldStore(filled, CODES)) == 0


def test_an_index_of_a_later_version_is_said(filled):
    np.save(filled / "index.npy", np.zeros((2, 14), np.uint64))
    with pytest.raises(TunesmithError, match="another version"):
        FieldStore(filled, CODES)


def test_flipped_bytes_are_never_read(filled):
    made = arrays(6)
    keys = [*made]
    flip(filled / "shard-00000.bin", at=3)  # of the first that was put
    store = FieldStore(filled, CODES)
    with pytest.raises(DamagedEntryError, match="damaged"):
        store.read(store.row(keys[0]), 5, 2)  # a window that the flipped byte is not in
    assert np.array_equal(store.read(store.row(keys[1])), made[keys[1]])
    assert store.damaged() == [keys[0]]


@pytest.mark.parametrize("lost", ["file", "end", "everything"])
def test_a_shard_that_is_gone_or_cut_is_damage(filled, lost):
    shard = filled / "shard-00000.bin"
    if lost == "file":
        shard.unlink()
    else:
        shard.write_bytes(shard.read_bytes()[:-3] if lost == "end" else b"")
    store = FieldStore(filled, CODES)
    assert sorted(store.damaged()) == sorted([*arrays(6)][-1:] if lost == "end" else [*arrays(6)])


def test_damaged_entries_are_replaced(filled):
    made = arrays(6)
    flip(filled / "shard-00000.bin", at=3)
    store = FieldStore(filled, CODES)
    bad = store.damaged()
    store.discard(bad)
    assert bad[0] not in store
    assert bad[0] not in FieldStore(filled, CODES)
    store.put(bad[0], made[bad[0]])
    store.flush()
    again = FieldStore(filled, CODES)
    assert again.damaged() == []
    assert all(np.array_equal(again.read(again.row(key)), array) for key, array in made.items())


def test_an_index_without_checksums_is_read_and_gets_them(filled):
    made = arrays(6)
    old = np.asfortranarray(np.load(filled / "index.npy")[:, :-1])
    np.save(filled / "index.npy", old)
    store = FieldStore(filled, CODES)
    assert all(np.array_equal(store.read(store.row(key)), array) for key, array in made.items())
    store.seal()
    flip(filled / "shard-00000.bin", at=3)
    assert len(FieldStore(filled, CODES).damaged()) == 1


def test_reads_are_views_into_the_file(tmp_path):
    store = FieldStore(tmp_path, CODES)
    key, array = next(iter(arrays(1).items()))
    store.put(key, array)
    store.flush()
    view = store.read(store.row(key), 2, 4)
    assert isinstance(view, np.memmap)
    assert not view.flags.writeable


def test_rows_of_many_keys_are_those_of_each(tmp_path):
    store = FieldStore(tmp_path, CODES)
    made = list(arrays(30).items())
    twin = made[3][0][:16] + "0" * 16  # another key of the same first half, before it in the index
    for key, array in [*made, (twin, made[0][1]), (twin[:16] + "f" * 16, made[1][1])]:
        store.put(key, array)
    store.flush()
    wanted = [content_key("absent"), twin, *(key for key, _ in made[::-1]), twin[:16] + "f" * 16, "f" * 32, twin]
    rows = store.rows(wanted)
    assert rows.tolist() == [store.row(key) for key in wanted]
    assert sorted({-1, *rows.tolist()}) == list(range(-1, 32))
    known = rows[rows >= 0]
    assert store.extents(known, 1).tolist() == [store.shape(int(row))[1] for row in known]
    assert FieldStore(tmp_path / "none", CODES).rows(wanted[:2]).tolist() == [-1, -1]
    assert store.rows([]).tolist() == []
