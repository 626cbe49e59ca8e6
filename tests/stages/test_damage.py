"""Damaged files of a run never stop it: what is lost is named, and made again or gone on without."""

from __future__ import annotations

from collections.abc import Callable

from tests.stages.test_results import events, make, tensors, trained  # noqa: F401 - fixtures
from tunesmith.records.stage_state import StageState
from tunesmith.run.context import RunContext
from tunesmith.stages.pipeline import run_stages

Make = Callable[..., RunContext]


def log_of(context: RunContext) -> str:
    return context.folder.log.read_text(encoding="utf-8")


def encoded(context: RunContext) -> dict[str, int]:
    found: dict[str, int] = StageState.read(context.folder.stage("encode")).summary["encoded"]
    return found


def test_damaged_clips_of_the_cache_are_named_and_encoded_again(make: Make) -> None:  # noqa: F811
    context = make()
    shard = context.folder.cache / "codes" / "shard-00000.bin"
    content = bytearray(shard.read_bytes())
    content[1] ^= 1
    shard.write_bytes(content)
    before = tensors(context)
    run_stages(context, ["train"])
    assert "holds of 1 clips is damaged or gone, and is encoded again: 0.wav" in log_of(context)
    assert encoded(context) == {"codes": 1, "text": 0}
    assert tensors(context) == before
    context.folder.log.unlink()
    run_stages(context, ["train"])
    assert "encode: nothing has changed, skipped" in log_of(context)


def test_a_deleted_cache_is_made_again(make: Make) -> None:  # noqa: F811
    context = make()
    (context.folder.cache / "codes" / "index.npy").unlink()
    (context.folder.cache / "text" / "shard-00000.bin").unlink()
    run_stages(context, ["encode"])
    assert encoded(context) == {"codes": 8, "text": 8}
    assert "the cache's index of codes is gone or damaged" in log_of(context)
    assert "holds of 8 clips is damaged or gone" in log_of(context)
