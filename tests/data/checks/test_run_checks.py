"""The run over all checks: overruling, remembered facts, several audios, several processes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.data.checks.deadly import deadly
from tests.data.sounds import RATE, phrase, save
from tunesmith.data import workers
from tunesmith.data.checks import CheckLimits, measure, measuring, run_checks
from tunesmith.data.sample import AudioRef, Sample
from tunesmith.records.findings import Finding
from tunesmith.texts import Message


def sample(path, **more):
    return Sample(path.name, {"audio": AudioRef(str(path))}, {"caption": path.name}, **more)


@pytest.fixture
def three(tmp_path):
    return [sample(save(tmp_path / f"{n}.wav", phrase(n))) for n in range(3)]


@pytest.fixture
def measured(monkeypatch):
    """Paths that were really measured."""
    paths = []
    original = measure.measure_clip

    def spy(job):
        paths.append(job.ref.path)
        return original(job)

    monkeypatch.setattr(measure, "measure_clip", spy)
    return paths


def test_overruling_turns_errors_into_warnings(tmp_path):
    short = sample(save(tmp_path / "short.wav", phrase(1, 0.5)))
    wide = sample(save(tmp_path / "wide.wav", np.stack([phrase(n) for n in range(4)], axis=1)))
    report = run_checks([short, wide], overrule=["short.wav", "wide.wav", "no such clip"])
    assert [s.id for s in report.kept] == ["short.wav", "wide.wav"]
    levels = {(f.check, f.clip): f for f in report.findings}
    assert levels["too_short", "short.wav"].level == "warn"
    assert "overruled by you" in str(levels["too_short", "short.wav"].message)
    assert levels["channels", "wide.wav"].level == "warn"
    assert report.facts["wide.wav"]["audio"].decoded
    assert "no such clip" in str(levels["overrule", "*"].message)


def test_what_the_layout_found_is_quarantined_too(three):
    gone = Message.fixed("there is no such file")
    problem = Finding(check="layout", level="error", clip="gone.wav", message=gone)
    report = run_checks(three, problems=[problem], fingerprint=False, signals=False)
    assert report.findings[0] == problem
    assert report.quarantined == {"gone.wav": gone}


def test_known_facts_are_not_measured_again(three, tmp_path, measured):
    facts = tmp_path / "facts.jsonl"
    first = run_checks(three, facts_path=facts)
    assert len(measured) == 3
    assert run_checks(three, facts_path=facts) == first
    assert len(measured) == 3
    save(tmp_path / "1.wav", phrase(9))
    changed = run_checks(three, facts_path=facts)
    assert measured[3:] == [str(tmp_path / "1.wav")]
    assert changed.facts["1.wav"] != first.facts["1.wav"] and changed.facts["2.wav"] == first.facts["2.wav"]


def test_facts_without_signals_are_completed_when_signals_are_asked_for(three, tmp_path, measured):
    facts = tmp_path / "facts.jsonl"
    plain = run_checks(three, facts_path=facts, signals=False, fingerprint=False)
    assert plain.facts["0.wav"]["audio"].lufs is None
    full = run_checks(three, facts_path=facts)
    assert len(measured) == 6 and full.facts["0.wav"]["audio"].lufs is not None


def test_a_damaged_fact_store_is_only_slower(three, tmp_path, measured):
    facts = tmp_path / "facts.jsonl"
    first = run_checks(three, facts_path=facts)
    facts.write_text('garbage\n{"key": 3}\n[]\n{"key": "x", "unheard_of": 1}\n', encoding="utf-8")
    facts.with_suffix(".npz").write_bytes(b"PK garbage")
    assert run_checks(three, facts_path=facts) == first
    assert len(measured) == 6


def test_an_unreadable_file_is_tried_again_each_time(tmp_path, measured, monkeypatch):
    clip, facts = tmp_path / "a.m4a", tmp_path / "facts.jsonl"
    clip.write_bytes(b"\x00\x00\x00\x20ftypM4A " + bytes(200))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "needs ffmpeg" in str(run_checks([sample(clip)], facts_path=facts).quarantined["a.m4a"])
    save(tmp_path / "sound.wav", phrase(1))
    program = tmp_path / "ffmpeg"
    program.write_text(f'#!/bin/sh\nfor last; do :; done\n/bin/cp "{tmp_path}/sound.wav" "$last"\n')
    program.chmod(0o755)
    assert [s.id for s in run_checks([sample(clip)], facts_path=facts).kept] == ["a.m4a"]
    assert len(measured) == 2


def test_a_header_beyond_the_limits_is_measured_when_the_limit_is_raised(tmp_path, measured):
    long = [sample(save(tmp_path / "long.wav", phrase(1, 9.0)))]
    facts = tmp_path / "facts.jsonl"
    strict = run_checks(long, CheckLimits(max_seconds=8.0), facts_path=facts)
    assert not strict.facts["long.wav"]["audio"].decoded
    assert run_checks(long, facts_path=facts).facts["long.wav"]["audio"].decoded
    assert run_checks(long, CheckLimits(max_seconds=8.0), facts_path=facts).kept == []


def test_processes_find_the_same(three, tmp_path, monkeypatch):
    counts, start = [], workers.WorkerPool.__init__

    def counted(pool, task, count):
        counts.append(count)
        start(pool, task, count)

    monkeypatch.setattr(workers.WorkerPool, "__init__", counted)
    four = [*three, sample(tmp_path / "gone.wav")]
    alone = run_checks(four, facts_path=tmp_path / "alone.jsonl")
    assert run_checks(four, workers="auto") == alone  # too few to be worth a start
    assert counts == []
    steps = []
    assert run_checks(four, workers=2, facts_path=tmp_path / "two.jsonl", progress=steps.append) == alone
    assert counts == [2] and sum(steps) == 4
    for suffix in (".jsonl", ".npz"):
        assert (tmp_path / f"two{suffix}").read_bytes() == (tmp_path / f"alone{suffix}").read_bytes()


def test_a_clip_that_kills_every_worker_is_quarantined_and_tried_again_the_next_time(three, tmp_path, monkeypatch):
    facts = tmp_path / "facts.jsonl"
    with monkeypatch.context() as patched:
        patched.setattr(measuring, "measuring", deadly)
        report = run_checks(three, workers=2, facts_path=facts)
    assert list(report.quarantined) == ["1.wav"]
    assert "ended from outside or crashed, 2 times (exit code -9)" in str(report.quarantined["1.wav"])
    assert run_checks(three, facts_path=facts) == run_checks(three)


def test_a_pair_of_audios_is_checked_by_role(tmp_path):
    prompt, target = save(tmp_path / "p.wav", phrase(1)), save(tmp_path / "t.wav", phrase(2, 0.3))
    pairs = [
        Sample("one", {"prompt": AudioRef(str(prompt)), "target": AudioRef(str(target))}, {"instruction": "x"}),
        Sample("two", {"prompt": AudioRef(str(prompt)), "target": AudioRef(str(prompt), 1.0)}, {"instruction": "y"}),
    ]
    report = run_checks(pairs)
    (finding,) = [f for f in report.findings if f.level == "error"]
    assert finding.clip == "one" and "`target` audio" in str(finding.message)
    (kept,) = report.kept
    assert (kept.audios["prompt"].duration, kept.audios["target"].duration) == (8.0, 7.0)


def test_progress_adds_up_to_the_samples(three, tmp_path):
    steps = []
    run_checks([*three, three[0]], progress=steps.append)
    assert sum(steps) == 4
    facts = tmp_path / "facts.jsonl"
    run_checks(three, facts_path=facts)
    steps.clear()
    run_checks(three, facts_path=facts, progress=steps.append)
    assert sum(steps) == 3


def test_channel_changes_are_said(three, tmp_path):
    two = sample(save(tmp_path / "two.wav", np.stack([phrase(5), phrase(6)], axis=1)))
    assert "1 clips are mixed down" in str(run_checks([*three, two], channels=1).notes[0])
    assert "3 mono clips are doubled" in str(run_checks([*three, two], channels=2).notes[0])
    assert run_checks(three, channels=1).notes == []


def test_no_samples_no_findings():
    report = run_checks([])
    assert (report.kept, report.findings) == ([], [])


def test_blocks_measure_as_one_piece(tmp_path, monkeypatch):
    from tunesmith.audio import decode

    clip = sample(save(tmp_path / "a.wav", np.stack([phrase(1, 6.0), phrase(2, 6.0) + 0.02], axis=1)))
    whole = run_checks([clip]).facts["a.wav"]["audio"]
    monkeypatch.setattr(decode, "_BLOCK_VALUES", RATE * 2)
    parts = run_checks([clip]).facts["a.wav"]["audio"]
    assert parts.content == whole.content and parts.silent_share == whole.silent_share
    for name in ("peak", "rms", "dc", "side_db", "fade_db", "lufs"):
        assert getattr(parts, name) == pytest.approx(getattr(whole, name), rel=0.02), name
