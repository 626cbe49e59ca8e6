"""`tunesmith check FOLDER --fix OUT`, as a user runs it: what it mends is gone, and all else is as it was."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.data.repair.dirty import CLEAN, make_dirty
from tests.data.sounds import RATE, phrase, save
from tests.once import once
from tunesmith.audio.decode import read
from tunesmith.cli.main import main
from tunesmith.data.checks import run_checks
from tunesmith.data.layouts import read_layout
from tunesmith.records.repairs import Repairs

SETTLED = {
    "offset.wav": {"dc_offset"},
    "ends.wav": {"silent_labels"},
    "offset_ends.wav": {"dc_offset", "silent_labels"},
    "loud.wav": {"loudness_outlier"},
    "quiet.wav": {"loudness_outlier"},
    "dead.wav": {"dead_channel"},
    "same.wav": {"identical_channels"},
    "anti.wav": {"antiphase"},
    "clipped.wav": {"loudness_outlier"},
    "holes.wav": {"nan_samples"},
}
QUICK = "data.fingerprint=false"


@pytest.fixture(scope="session")
def repaired(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the dirty clips in ``d``, their repaired copy in ``out``, and what is in ``d`` as bytes."""

    def make(folder: Path) -> None:
        made = make_dirty(folder / "d")
        shutil.copytree(made, folder / "before")
        assert main(["check", str(made), "--fix", str(folder / "out")]) == 1  # some cannot be repaired

    return once(tmp_path_factory, "repaired", make)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}


def times(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir() if path.suffix in (".wav", ".txt")}


def fix(folder: Path, out: Path, *overrides: str) -> int:
    return main(["check", str(folder), "--fix", str(out), QUICK, *overrides])


def test_what_is_settled_is_found_no_more_and_the_record_says_it(repaired: Path) -> None:
    record = Repairs.read(repaired / "out" / "repairs.json")
    done = {clip.clip: set(clip.checks) for clip in record.clips if clip.done}
    assert {clip: checks for clip, checks in SETTLED.items() if clip not in ("loud.wav",)}.items() <= done.items()
    report = run_checks(read_layout(repaired / "out").samples)
    found = {(finding.clip, finding.check) for finding in report.findings}
    for clip, checks in done.items():
        assert not {(clip, check) for check in checks} & found
    assert [gone.clip for gone in record.removed] == ["copy.wav"]
    assert record.removed[0].texts == {"caption": "caption of copy"}
    left = {clip.clip: {finding.check for finding in clip.left} for clip in record.clips if clip.left}
    assert left == {
        "lost.wav": {"nan_samples", "dropout"},
        "clipped.wav": {"clipped", "brickwalled"},
        "broken.wav": {"unreadable"},
    }
    assert set(report.quarantined) == {"lost.wav", "broken.wav"}


def test_originals_and_everything_without_a_finding_are_as_they_were(repaired: Path) -> None:
    assert contents(repaired / "d") == contents(repaired / "before")
    before, after = contents(repaired / "before"), contents(repaired / "out")
    changed = {name for name in before if before[name] != after.get(name)}
    assert changed == {*SETTLED, "copy.wav", "copy.txt"} - {"loud.wav"} | (changed & {"loud.wav"})
    assert not changed & set(CLEAN)
    assert set(after) == set(before) - {"copy.wav", "copy.txt"} | {"repairs.json"}


def test_the_numbers_of_repaired_sound(repaired: Path) -> None:
    offset, rate = read(repaired / "out" / "offset.wav")
    assert np.abs(offset.mean(axis=1)).max() < 1e-3
    assert np.abs(offset[:, : rate // 20]).max() < 0.5  # the filter does not thump
    original, _ = read(repaired / "d" / "ends.wav")
    ends, _ = read(repaired / "out" / "ends.wav")
    first = round(2.45 * RATE)
    assert original.shape[1] - ends.shape[1] == pytest.approx(4.65 * RATE, abs=2)
    inside = slice(round(0.01 * RATE), -round(0.01 * RATE))
    assert np.array_equal(ends[:, inside], original[:, first : first + ends.shape[1]][:, inside])
    dead, _ = read(repaired / "out" / "dead.wav")
    assert np.array_equal(dead, read(repaired / "d" / "dead.wav")[0][1:])
    anti, _ = read(repaired / "out" / "anti.wav")
    assert np.array_equal(anti, read(repaired / "d" / "anti.wav")[0] * np.float32([[1], [-1]]))
    holes, _ = read(repaired / "out" / "holes.wav")
    assert np.isfinite(holes).all() and np.abs(holes[0, [100, 5000, 5001, 5002]]).max() <= 0.5
    assert soundfile.info(repaired / "out" / "offset.wav").subtype == "PCM_24"
    report = run_checks(read_layout(repaired / "out").samples, fingerprint=False)
    lufs = [facts["audio"].lufs for facts in report.facts.values() if facts["audio"].lufs is not None]
    assert max(abs(value - np.median(lufs)) for value in lufs) <= 6
    assert max(facts["audio"].peak for facts in report.facts.values()) <= 1


def test_a_second_command_writes_nothing_and_edits_on_either_side_count(repaired, tmp_path, capsys) -> None:
    for name in ("d", "out"):
        shutil.copytree(repaired / name, tmp_path / name, copy_function=shutil.copy2)
    work, out = tmp_path / "d", tmp_path / "new"
    assert fix(work, out) == 1
    before = times(out)
    assert fix(work, out) == 1
    assert times(out) == before
    (work / "a.txt").write_text("another caption, which is longer\n")
    (out / "b.txt").write_text("my own words in the copy\n")
    (work / "c.txt").unlink()
    capsys.readouterr()
    assert fix(work, out) == 1
    assert (out / "a.txt").read_text() == "another caption, which is longer\n"
    assert (out / "b.txt").read_text() == "my own words in the copy\n"
    assert not (out / "c.txt").exists()
    assert "b.txt in the copy was changed by somebody else; it is left alone" in capsys.readouterr().out
    assert {name for name in before if times(out).get(name) != before[name]} == {"a.txt", "b.txt", "c.txt"}


def test_an_interrupted_command_goes_on(tmp_path, monkeypatch, capsys) -> None:
    from tunesmith.data import own_folder

    work = tmp_path / "d"
    for number in range(6):
        save(work / f"{number}.wav", phrase(number, 2.0) + np.float32(0.05 if number == 4 else 0))
    real, written = own_folder.atomic_path, []

    def stops(path: Path):
        if len(written) == 3:
            raise KeyboardInterrupt
        written.append(path)
        return real(path)

    monkeypatch.setattr(own_folder, "atomic_path", stops)
    assert fix(work, tmp_path / "out") == 130
    assert "stays in" in capsys.readouterr().out
    whole = list((tmp_path / "out").glob("*.wav"))
    assert len(whole) == 3 and all(read(path)[0].shape[1] == 2 * RATE for path in whole)
    before = times(tmp_path / "out")
    (tmp_path / "out" / ".5.wav.0123abcd.wav").write_bytes(b"begun")  # what a killed command leaves
    monkeypatch.setattr(own_folder, "atomic_path", real)
    assert fix(work, tmp_path / "out") == 0
    after = times(tmp_path / "out")
    assert len(after) == 6 and before.items() <= after.items()
    assert not (tmp_path / "out" / ".5.wav.0123abcd.wav").exists()


def test_places_that_are_refused(tmp_path, monkeypatch, capsys) -> None:
    work = tmp_path / "d"
    for number in range(2):
        save(work / f"{number}.wav", phrase(number, 2.0))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    save(tmp_path / "other" / "x.wav", phrase(7, 2.0))
    assert fix(tmp_path / "other", tmp_path / "taken") == 0
    for out, said in (
        (work, "the folder of your clips itself"),
        (work / "out", "lies inside of your clips' folder"),
        (tmp_path, "lies inside of this folder"),
        (tmp_path / "full", "this folder is not empty"),
        (tmp_path / "taken", "this folder was made from"),
        (tmp_path / "other" / "x.wav" / "out", "part of this path is a file"),
    ):
        assert fix(work, out) == 1
        assert said in capsys.readouterr().err
    assert contents(work).keys() == {"0.wav", "1.wav"} and contents(tmp_path / "full").keys() == {"mine.txt"}

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    assert fix(work, tmp_path / "fresh") == 1
    assert "the disk is full. Free some space" in capsys.readouterr().err
    assert not list((tmp_path / "fresh").glob("*.wav"))


NAMES = ("a.wav", "sub/b c'é.wav", "sub/copy.wav", "off,set.wav", "z;&%.wav")


@pytest.fixture
def clips(tmp_path, monkeypatch) -> Path:
    """Five clips, of which ``sub/copy.wav`` is a copy of ``a.wav`` and ``off,set.wav`` has an offset."""
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(NAMES):
        seed = 0 if "copy" in name else number
        save(tmp_path / "d" / name, phrase(seed, 2.0) + np.float32(0.05 if "," in name else 0))
    return tmp_path / "d"


def as_metadata(folder: Path) -> None:
    rows = [{"audio": name, "text": f"tone {name}", "bpm": 120} for name in NAMES]
    (folder / "metadata.json").write_text(json.dumps(rows), encoding="utf-8")


def as_csv(folder: Path) -> None:
    made = io.StringIO()
    writer = csv.writer(made, delimiter=";")
    writer.writerows([["file_name", "text", "bpm"], *([name, f"tone {name}", "120"] for name in NAMES)])
    (folder / "metadata.csv").write_text(made.getvalue(), encoding="utf-8")


def as_jsonl(folder: Path) -> None:
    lines = [json.dumps({"file_name": name, "text": f"tone {name}", "bpm": 120}) for name in NAMES]
    (folder / "metadata.jsonl").write_text("\n".join(lines), encoding="utf-8")


def as_manifest(folder: Path) -> None:
    shutil.move(folder / "a.wav", folder.parent / "elsewhere.wav")
    places = {name: name for name in NAMES} | {"a.wav": str(folder.parent / "elsewhere.wav")}
    lines = [
        {
            "id": name,
            "audios": {"audio": {"path": path}},
            "texts": {"caption": f"tone {name}"},
            "attributes": {"bpm": 120},
        }
        for name, path in places.items()
    ]
    offset = {"path": "off,set.wav", "start": 0.25, "end": 1.75}
    lines.append({"id": "part", "audios": {"audio": offset}, "texts": {"caption": "part"}, "attributes": {"bpm": 120}})
    (folder / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def as_arrow(folder: Path) -> None:
    datasets = pytest.importorskip("datasets")
    rows = [{"keys": name, "filename": name, "tags": [f"tone {name}"], "norm_lyrics": ""} for name in NAMES]
    datasets.Dataset.from_list(rows).save_to_disk(str(folder))


def as_files(folder: Path) -> None:
    for name in NAMES:
        (folder / name).with_name(f"{Path(name).stem}_prompt.txt").write_text(f"tone {name}", encoding="utf-8")
        (folder / name).with_name(f"{Path(name).stem}_lyrics.txt").write_text("[verse]\nla", encoding="utf-8")


@pytest.mark.parametrize("lay_out", [as_metadata, as_csv, as_jsonl, as_manifest, as_arrow, as_files])
def test_every_layout_is_kept(clips: Path, lay_out) -> None:
    lay_out(clips)
    original = read_layout(clips)
    assert fix(clips, Path("out")) == 0
    clips.rename("moved")  # the copy needs nothing of it
    copy = read_layout(Path("out"))
    assert (copy.name, copy.problems) == (original.name, [])
    gone = {"sub/copy.wav"}
    assert [s.texts for s in copy.samples] == [s.texts for s in original.samples if s.id not in gone]
    assert [s.attributes for s in copy.samples] == [s.attributes for s in original.samples if s.id not in gone]
    assert [s.id for s in copy.samples] == [s.id for s in original.samples if s.id not in gone]
    for sample in copy.samples:
        audio, _ = read(sample.audios["audio"].path, sample.audios["audio"].start, sample.audios["audio"].end)
        assert abs(audio.mean()) < 1e-2
    if lay_out is as_files:
        assert not list(Path("out").rglob("copy_*"))


def test_pairs_keep_their_lines_and_only_targets_are_repaired(clips: Path, capsys) -> None:
    save(clips / "prompt.wav", phrase(9, 2.0) + np.float32(0.05))
    lines = [
        {"prompt_audio_path": "prompt.wav", "target_audio_path": "a.wav", "target_text": "one"},
        {"prompt_audio_path": "d/prompt.wav", "target_audio_path": str(clips / "off,set.wav"), "target_text": "two"},
        {"prompt_audio_path": "prompt.wav", "target_audio_path": "sub/copy.wav", "target_text": "one"},
    ]
    (clips / "pairs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    for source in (clips, clips / "pairs.jsonl"):
        assert fix(source, Path("out")) == 0, capsys.readouterr()
        copy = read_layout(Path("out"))
        assert copy.name == "pairs" and [s.texts["caption"] for s in copy.samples] == ["one", "two"]
        assert all(
            Path(ref.path).is_relative_to(Path("out").absolute()) for s in copy.samples for ref in s.audios.values()
        )
        assert abs(read("out/off,set.wav")[0].mean()) < 1e-3
        assert Path("out/prompt.wav").read_bytes() == (clips / "prompt.wav").read_bytes()
        shutil.rmtree("out")


def test_a_lossy_clip_becomes_lossless_and_keeps_its_texts(tmp_path) -> None:
    work = tmp_path / "d"
    sound = phrase(3, 3.0) + np.float32(0.06)
    save(work / "x.mp3", sound)
    save(work / "y.wav", phrase(4, 3.0))
    (work / "x.txt").write_text("words of x")
    label = {"id": "x.mp3", "audio": "k", "key": "k", "status": "ok", "provider": "measured", "tags": ["dark"]}
    (work / "labels.jsonl").write_text(json.dumps(label) + "\n")
    assert fix(work, tmp_path / "out") == 0
    samples = {sample.id: sample for sample in read_layout(tmp_path / "out").samples}
    assert samples.keys() == {"x.flac", "y.wav"} and samples["x.flac"].texts["caption"] == "words of x"
    assert json.loads((tmp_path / "out" / "labels.jsonl").read_text())["id"] == "x.flac"


def test_a_folder_is_checked_without_a_run_and_stays_as_it_is(clips: Path, capsys) -> None:
    before = sorted(str(path) for path in Path().rglob("*"))
    assert main(["check", "d"]) == 1
    said = capsys.readouterr().out
    assert "error  sub/copy.wav: this clip holds the same sound as a.wav" in said and "4 clips usable" in said
    assert sorted(str(path) for path in Path().rglob("*")) == before
    (clips / "sub" / "copy.wav").unlink()
    assert main(["check", "d", "checks.dc_offset=0.2"]) == 0
    assert main(["check", "d", "checks.nothing=0.2"]) == 1
    assert main(["check", "nowhere"]) == 1


def test_names_that_are_not_utf8_and_files_that_cannot_be_read(clips: Path, capsys) -> None:
    odd = clips / os.fsdecode(b"caf\xe9.wav")
    save(clips / "made.wav", phrase(8, 2.0) + np.float32(0.05)).rename(odd)
    (clips / "gone.wav").symlink_to("nowhere.wav")
    assert fix(clips, Path("out")) in (0, 1)
    assert abs(read(Path("out") / odd.name)[0].mean()) < 1e-3
    assert Repairs.read(Path("out/repairs.json")).clips


def test_every_finding_is_printed_on_request(clips: Path, capsys) -> None:
    for name in ("a2", "b2", "c2"):  # three clips with one fault
        save(clips / f"{name}.wav", phrase(8, 2.0) * np.float32(0.5) + np.float32(0.05))

    def said_of_offsets(*flags: str) -> int:
        main(["check", "d", "--fix", "out", QUICK, *flags])
        return sum("offset" in line for line in capsys.readouterr().out.splitlines())

    first = said_of_offsets()
    assert said_of_offsets("--all") >= first + 3
