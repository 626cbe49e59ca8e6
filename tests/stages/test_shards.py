"""Checking and encoding in shares of several processes: the same bytes, and every way in which they do not fit."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.data.sounds import phrase, save
from tests.stages.test_encode_workers import (
    checked_run,
    content,
    context_of,
    encoded,
    hearing_ctrl_c,
    songs,
    speech,
    tunesmith,
    waited_for,
)
from tunesmith.cli.main import main
from tunesmith.data.cache import EncodedStore
from tunesmith.data.fields import FieldSpec
from tunesmith.data.sample import read_manifest, write_manifest
from tunesmith.errors import TunesmithError
from tunesmith.records.findings import CheckFindings
from tunesmith.records.stage_state import StageState
from tunesmith.run.folder import RunFolder
from tunesmith.run.leftovers import sweep
from tunesmith.stages import encode_clips, shards
from tunesmith.stages.inputs import stage_inputs
from tunesmith.stages.merge_shards import merge_shards
from tunesmith.stages.pipeline import run_stages
from tunesmith.stages.shards import Share, do_share
from tunesmith.training.start import fingerprint

__all__ = ["checked_run", "hearing_ctrl_c", "songs"]

HELD = {"data", "cache"}


def made(context) -> dict[str, bytes]:
    """Every file of a run that is to be the same."""
    return {name: held for name, held in content(context.folder.path).items() if name.partition("/")[0] in HELD}


def in_shares(context, stage, count: int) -> None:
    for number in range(count, 0, -1):
        do_share(context, stage, Share(count, number))


@pytest.fixture
def clips(tmp_path, songs) -> Path:
    """Songs, one of them twice, one that cannot be read, and one that is silent."""
    folder = shutil.copytree(songs / "train", tmp_path / "clips")
    shutil.copy(sorted(folder.glob("*.wav"))[0], folder / "zz.wav")
    save(folder / "quiet.wav", np.zeros(48_000, np.float32), 16_000)
    return folder


@pytest.mark.parametrize("count", [1, 2, 5, 40])
def test_shares_of_songs_become_the_same_bytes(tmp_path, clips, count):
    data = {"folder": str(clips), "default_text": "a song"}
    whole = context_of(tmp_path, "whole", "pocket/musicgen", 1, **data)
    run_stages(whole, ["encode"])
    parted = context_of(tmp_path, "parted", "pocket/musicgen", 1, **data)
    in_shares(parted, "check", count)
    merge_shards(parted)
    in_shares(parted, "encode", count)
    merge_shards(parted)
    assert made(parted) == made(whole)
    assert not parted.folder.shards.exists()
    assert CheckFindings.read(parted.folder.findings).quarantined.keys() >= {"broken.wav", "zz.wav", "quiet.wav"}
    before = made(parted)
    assert merge_shards(parted) == 0 and made(parted) == before, "it may be repeated"
    in_shares(parted, "encode", 3)
    assert not parted.folder.shards.exists(), "nothing is left to do"


def spoken(folder: Path) -> Path:
    for number in range(5):
        save(folder / f"{number}.wav", phrase(number, 3.0, 16_000), 16_000)
        (folder / f"{number}.txt").write_text(f"what is said in the clip of number {number}")
    return folder


def test_shares_of_spoken_clips_are_heard_and_become_the_same_bytes(tmp_path):
    folder, contexts = spoken(tmp_path / "spoken"), {}
    for name in ("whole", "parted"):
        contexts[name] = context_of(tmp_path, name, "pocket/step_audio", 1, folder=str(folder))
    run_stages(contexts["whole"], ["check"])
    in_shares(contexts["parted"], "check", 2)
    merge_shards(contexts["parted"])
    found = made(contexts["parted"])
    assert found == made(contexts["whole"]) and found["data/spoken.jsonl"]


def test_variants_and_samples_that_cannot_be_encoded_become_the_same_bytes(tmp_path, monkeypatch):
    pairs, whole = speech(tmp_path / "pairs"), context_of(tmp_path, "whole", "pocket/step_audio", 1, folder="pairs")
    parted = context_of(tmp_path, "parted", "pocket/step_audio", 1, folder="pairs")
    for context in (whole, parted):
        write_manifest(context.folder.manifest, pairs)
        checked(context)
    run_stages(whole, ["encode"])
    in_shares(parted, "encode", 2)

    def nobody(*_):
        raise AssertionError("everything is in the shares, so that merging loads no encoder")

    monkeypatch.setattr(encode_clips, "encode_clip", nobody)
    merge_shards(parted)
    assert made(parted) == made(whole)
    assert len([*read_manifest(parted.folder.manifest)]) == len(pairs) - 1
    assert CheckFindings.read(parted.folder.findings).quarantined.keys() == {pairs[5].id}


def checked(context) -> None:
    """As if the manifest that is there had been made by a check."""
    CheckFindings().write(context.folder.findings)
    inputs = stage_inputs(context, "check")
    state = StageState(stage="check", fingerprint=fingerprint(inputs), status="done", inputs=inputs)
    state.write(context.folder.stage("check"))


@pytest.fixture
def parted(tmp_path, songs):
    """A run that is checked in two shares and merged, and encoded in the first of three."""
    context = context_of(tmp_path, "run", "pocket/musicgen", 1, folder=str(songs))
    in_shares(context, "check", 2)
    merge_shards(context)
    do_share(context, "encode", Share(3, 1))
    return context


def refused(context) -> str:
    with pytest.raises(TunesmithError) as caught:
        merge_shards(context)
    assert caught.value.remedy
    return str(caught.value)


def test_missing_shares_are_named_and_nothing_is_merged(parted):
    assert "2 of 3 shares of encode are not done: 2/3, 3/3" in refused(parted)
    assert not parted.folder.cache.exists() and parted.folder.shards.exists()
    do_share(parted, "encode", Share(3, 2))
    do_share(parted, "encode", Share(3, 3))
    state = RunFolder(next(parted.folder.shards.glob("*-00002-of-*"))).stage("encode")
    StageState.read(state).model_copy(update={"status": "running"}).write(state)
    assert "1 of 3 shares of encode are not done: 2/3" in refused(parted)


def test_shares_of_another_recipe_are_refused(tmp_path, songs):
    context = context_of(tmp_path, "run", "pocket/musicgen", 1, folder=str(songs))
    limits = context.recipe.checks.model_copy(update={"min_seconds": 0.2})
    other = context.with_recipe(context.recipe.model_copy(update={"checks": limits}))
    do_share(context, "check", Share(2, 1))
    do_share(other, "check", Share(2, 2))
    assert "1 shares of check are of another recipe or of other clips (checks.min_seconds): 2/2" in refused(context)
    do_share(context, "check", Share(2, 2))
    assert merge_shards(context) == 0


def test_clips_that_have_changed_since_are_refused(tmp_path, clips):
    context = context_of(tmp_path, "run", "pocket/musicgen", 1, folder=str(clips), default_text="a song")
    in_shares(context, "check", 2)
    (clips / "quiet.wav").unlink()
    assert "2 shares of check are of another recipe or of other clips (files): 1/2, 2/2" in refused(context)


def test_shares_of_different_sizes_are_refused(parted):
    with pytest.raises(TunesmithError, match="cannot be cut in 2, 3 at once"):
        do_share(parted, "encode", Share(2, 1))
    shutil.copytree(next(parted.folder.shards.iterdir()), parted.folder.shards / "encode-00001-of-00002")
    assert "cannot be cut in 2, 3 at once" in refused(parted)


def test_encoding_in_shares_wants_a_checked_run(tmp_path, songs, parted):
    context = context_of(tmp_path, "other", "pocket/musicgen", 1, folder=str(songs))
    with pytest.raises(TunesmithError, match="the clips are not checked"):
        do_share(context, "encode", Share(2, 1))
    in_shares(parted, "encode", 3)
    parted.folder.stage("check").unlink()
    assert "the clips are not checked" in refused(parted)


def test_what_a_share_has_lost_is_encoded_when_it_is_merged(tmp_path, songs, parted):
    in_shares(parted, "encode", 3)
    for path in parted.folder.shards.glob("*-00002-of-*/cache/codes/shard-*.bin"):
        path.write_bytes(bytes(path.stat().st_size))
    merge_shards(parted)
    whole = context_of(tmp_path, "whole", "pocket/musicgen", 1, folder=str(songs))
    run_stages(whole, ["encode"])
    assert made(parted) == made(whole)


def test_a_share_that_is_done_is_not_done_again_and_what_was_measured_before_is_taken(tmp_path, songs, monkeypatch):
    context = context_of(tmp_path, "run", "pocket/musicgen", 1, folder=str(songs))
    run_stages(context, ["check"])
    facts = content(context.folder.facts.parent)
    context.folder.stage("check").unlink()

    def nobody(*_):
        raise AssertionError("it is known already")

    monkeypatch.setattr("tunesmith.data.checks.measure.measure_clip", nobody)
    in_shares(context, "check", 2)
    monkeypatch.setattr(shards, "check_share", nobody)
    in_shares(context, "check", 2)
    with pytest.raises(AssertionError):
        do_share(context, "check", Share(2, 1), force=True)
    monkeypatch.undo()
    in_shares(context, "check", 2)
    merge_shards(context)
    assert content(context.folder.facts.parent) == facts


def test_tidying_up_a_run_leaves_what_its_shares_are_writing(parted):
    own = next(parted.folder.shards.iterdir()) / "data" / ".facts.jsonl.0123abcd.jsonl"
    beside = parted.folder.path / "data" / own.name
    for path in (own, beside):
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    sweep(parted.folder.path)
    assert own.exists() and not beside.exists()


def test_a_killed_share_goes_on_where_it_was(tmp_path, checked_run, hearing_ctrl_c):
    run = shutil.copytree(checked_run / "runs" / "r", tmp_path / "run")
    assert main(["check", str(run)]) == 0
    words = ("encode", str(run), "data.workers=1", "--shard")
    codes = RunFolder(run).shards / "encode-00001-of-00002" / "cache" / "codes"
    with tunesmith(tmp_path, *words, "1/2") as process:
        assert waited_for((codes / "shard-00000.bin").exists)
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
    kept = len(EncodedStore(codes.parent, [FieldSpec("codes", "uint16")]).fields["codes"])
    assert 0 < kept < 20
    assert main(["merge-cache", str(run)]) == 1
    for share in ("1/2", "2/2"):
        assert main([*words, share]) == 0
    assert main(["merge-cache", str(run)]) == 0
    assert encoded(run) == encoded(checked_run / "runs" / "whole")
    for field in ("codes", "text"):
        whole = content(checked_run / "runs" / "whole" / "cache" / field)
        assert content(run / "cache" / field) == whole


def test_a_share_that_another_process_does_is_refused(parted):
    folder = next(parted.folder.shards.iterdir())
    code = "import sys; from tunesmith.run.lock import run_lock; from pathlib import Path\n"
    code += "with run_lock(Path(sys.argv[1]), 'other'): print('held', flush=True); sys.stdin.read()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code, str(folder)], stdin=pipe, stdout=pipe) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(TunesmithError, match="`other` is writing into this run"):
            do_share(parted, "encode", Share(3, 1))
        other.communicate()
    assert do_share(parted, "encode", Share(3, 1)) == 0


@pytest.mark.parametrize(
    "text", ["", "3", "0/2", "3/2", "1/0", "a/b", "1/2/3", "-1/2", "1/999999", "\u0663/\u0664", "9" * 5000]
)
def test_what_is_no_share_is_said(text):
    with pytest.raises(TunesmithError, match="names no share"):
        Share.parsed(text)


def test_every_clip_is_in_one_share():
    for count in (1, 3, 7):
        parts = [Share.parsed(f"{number}/{count}").of(list(range(10))) for number in range(1, count + 1)]
        assert sorted(item for part in parts for item in part) == list(range(10))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["check", "{clips}", "--shard", "1/2"], "there is no run"),
        (["check", "r", "--shard", "1/2", "--all"], "neither --fix nor --all"),
        (["encode", "recipe.yaml", "--shard", "1/2"], "not of a recipe"),
        (["merge-cache", "{run}"], "there are no shares to merge"),
        (["merge-cache", "nowhere"], "there is no run"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path, songs, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    context = context_of(tmp_path, "run", "pocket/musicgen", 1, folder=str(songs))
    context.folder.recipe.write_text(f"name: run\nmodel: {{path: pocket}}\ndata: {{folder: '{songs}'}}\n")
    assert main([word.format(clips=songs, run=context.folder.path) for word in words]) == 1
    assert said in capsys.readouterr().err.replace("\n", " ")
