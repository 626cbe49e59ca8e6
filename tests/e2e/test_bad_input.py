"""Everything that can be wrong with what a user brings: one sentence, a non-zero exit, and nothing lost.

Through the real command line (``tunesmith.cli.main.main``), on real files made here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tunesmith.cli.main import main
from tunesmith.pocket.examples import make_examples

GOOD = 4
RATE = 16_000


def tone(seconds: float, rate: int = RATE) -> np.ndarray:
    t = np.arange(int(seconds * rate)) / rate
    return 0.3 * np.sin(2 * np.pi * 330 * t) * (1 + np.sin(2 * np.pi * 3 * t)) / 2


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few example clips, each with its caption beside it."""
    folder = tmp_path_factory.mktemp("good")
    make_examples(folder, GOOD)
    for row in json.loads((folder / "metadata.json").read_text()):
        clip = Path(shutil.move(folder / row["audio"], folder))
        clip.with_suffix(".txt").write_text(row["text"])
    (folder / "metadata.json").unlink()
    (folder / "train").rmdir()
    return folder


@pytest.fixture
def clips(good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of them, beside the working directory."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setattr("tunesmith.cli.guard._working_on", [])
    return Path(shutil.copytree(good, tmp_path / "clips"))


def snapshot(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that must fail; returns its one sentence."""
    capsys.readouterr()
    code = main(list(arguments))
    err = capsys.readouterr().err
    assert code == 1, err
    assert err.startswith("error: ")
    assert "Traceback" not in err
    assert "unforeseen" not in err
    return err


def checked(clips: Path, capsys: pytest.CaptureFixture[str], *overrides: str) -> tuple[dict, str]:
    """New run, then ``check`` with its exit code 1; findings and what was said."""
    before = snapshot(clips)
    assert main(["new", "a", "--from", str(clips), "--model", "pocket"]) == 0
    capsys.readouterr()
    code = main(["check", "a", *overrides])
    said = capsys.readouterr()
    assert snapshot(clips) == before, "the originals were touched"
    assert "Traceback" not in said.err
    findings = json.loads(Path("runs/a/data/findings.json").read_text(encoding="utf-8"))
    assert code == (1 if findings["quarantined"] else 0)
    return findings, said.out


def mp3(path: Path, seconds: float = 6.0) -> bytes:
    soundfile.write(path, tone(seconds), RATE, format="MP3")
    return path.read_bytes()


def text_named_wav(path: Path) -> Path:
    path.write_text("these are my lyrics\n" * 20)
    return path


def truncated_wav(path: Path) -> Path:
    soundfile.write(path, tone(6), RATE)
    path.write_bytes(path.read_bytes()[: RATE * 4])
    return path


def truncated_mp3(path: Path) -> Path:
    path = path.with_suffix(".mp3")
    whole = mp3(path)
    path.write_bytes(whole[: len(whole) // 3])
    return path


def nan_samples(path: Path) -> Path:
    audio = tone(6).astype(np.float32)
    audio[RATE : RATE + 100] = np.nan
    soundfile.write(path, audio, RATE, subtype="FLOAT")
    return path


def tenth_of_a_second(path: Path) -> Path:
    soundfile.write(path, tone(0.1), RATE)
    return path


def three_hours(path: Path) -> Path:
    piece = (127 * tone(60, 8000)).astype(np.int16) * 256
    with soundfile.SoundFile(path, "w", 8000, 1, "PCM_U8") as file:
        for _ in range(180):
            file.write(piece)
    return path


def two_hundred_channels(path: Path) -> Path:
    soundfile.write(path, np.tile(tone(2, 8000)[:, None], 200), 8000)
    return path


def one_kilohertz(path: Path) -> Path:
    soundfile.write(path, np.sin(np.arange(6000)), 1000)
    return path


def many_kilohertz(path: Path) -> Path:
    soundfile.write(path, tone(5, 384_000), 384_000)
    return path


def empty_file(path: Path) -> Path:
    path.write_bytes(b"")
    return path


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (text_named_wav, "this is a text file named .wav, not audio"),
        (truncated_wav, "this file is damaged or cut off"),
        (truncated_mp3, "cut off"),
        (nan_samples, "samples that are not numbers"),
        (tenth_of_a_second, "lasts 0.10 s, under 1 s"),
        (three_hours, "(3.0 h), over 3600 s"),
        (two_hundred_channels, "has 200 channels, over 2"),
        (one_kilohertz, "sample rate of 1000 Hz, under 8000 Hz"),
        (many_kilohertz, "sample rate of 384000 Hz, over 192000 Hz"),
        (empty_file, "this file is empty"),
    ],
)
def test_a_bad_file_is_quarantined_with_its_reason_and_the_rest_is_kept(
    make: Callable[[Path], Path], words: str, clips: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = make(clips / "bad.wav")
    bad.with_suffix(".txt").write_text("808 trap beat")
    findings, said = checked(clips, capsys)
    assert list(findings["quarantined"]) == [bad.name]
    assert words in findings["quarantined"][bad.name]["text"]
    assert words in said
    assert findings["kept"] == GOOD
    assert "exit code 1: 1 clips are quarantined (bad." in said


def test_a_folder_without_a_bad_file_is_0(clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    findings, said = checked(clips, capsys)
    assert findings["quarantined"] == {}
    assert "exit code" not in said


@pytest.mark.parametrize(
    ("caption", "words"),
    [
        ("深沉的嘻哈节拍，带有八零八低音", "unknown to the model's text encoder"),
        ("🎵🔥🥁🎹🔊", "unknown to the model's text encoder"),
        ("808 trap " * 1111 + "beat", "characters, over 2000"),
        ("", "has no caption"),
        ("   \n", "has no caption"),
    ],
    ids=["chinese", "emoji", "long", "empty", "blank"],
)
def test_a_caption_that_teaches_nothing(
    caption: str, words: str, clips: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "example-001.wav"
    (clips / name).with_suffix(".txt").write_text(caption, encoding="utf-8")
    # The default text that `new` guesses would stand in for an empty caption; here there is none.
    findings, said = checked(clips, capsys, "data.default_text=null")
    assert list(findings["quarantined"]) == [name]
    assert words in findings["quarantined"][name]["text"]
    assert words in said


def test_the_same_name_in_two_folders_is_two_clips(clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, name in enumerate(("one", "two")):
        (clips / name).mkdir()
        for suffix in (".wav", ".txt"):
            (clips / f"example-00{number + 1}{suffix}").rename(clips / name / f"clip{suffix}")
    findings, _ = checked(clips, capsys)
    manifest = Path("runs/a/data/manifest.jsonl").read_text(encoding="utf-8").splitlines()
    assert {"one/clip.wav", "two/clip.wav"} <= {json.loads(line)["id"] for line in manifest}
    assert findings["kept"] == GOOD


def test_one_clip_listed_with_two_texts(clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"audio": f"example-00{i + 1}.wav", "text": f"808 beat {i}"} for i in range(GOOD)]
    (clips / "metadata.json").write_text(json.dumps([*rows, {"audio": "example-001.wav", "text": "a waltz"}]))
    findings, said = checked(clips, capsys)
    assert list(findings["quarantined"]) == ["example-001.wav"]
    assert "listed with different texts" in said


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[{'audio': 'a.wav'}]", "this file is not JSON"),
        ('{"audio": "a.wav", "text": "b"}', "this file holds an object, not a list of clips"),
        ("[]", "this file lists no clips"),
        ('[\n{"audio": "example-001.wav"}]', "metadata.json:2: entry 0 has no key `text`"),
        ('[{"text": "b"}]', "entry 0 has no key `audio`"),
        ('[{"audio": 3, "text": "b"}]', "`audio` of entry 0 is a number, not text"),
        ('["a.wav"]', "entry 0 is text, not an object"),
        ('[{"audio": "../../etc/passwd.wav", "text": "b"}]', "lies outside the dataset's folder"),
        ('[{"audio": "/etc/passwd.wav", "text": "b"}]', "lies outside the dataset's folder"),
        ('[{"audio": "train/../../x.wav", "text": "b"}]', "lies outside the dataset's folder"),
    ],
)
def test_a_metadata_file_that_cannot_be_used(
    content: str, words: str, clips: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (clips / "metadata.json").write_text(content)
    before = snapshot(clips)
    assert words in refused(capsys, "new", "a", "--from", str(clips), "--model", "pocket")
    assert snapshot(clips) == before
    assert not Path("runs/a/recipe.yaml").exists()


def test_a_folder_that_is_missing_empty_or_a_file(clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = clips / "empty"
    empty.mkdir()
    for folder, words in (
        (clips / "nowhere", "there is no such folder"),
        (empty, "holds no audio"),
        (clips / "example-001.wav", "folder"),
    ):
        assert words in refused(capsys, "new", "a", "--from", str(folder), "--model", "pocket")


def test_a_folder_that_cannot_be_read(
    clips: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    locked = clips / "locked"
    locked.mkdir(mode=0o000)
    if os.access(locked, os.R_OK):  # root reads everything, so the refusal has to be played
        real = os.scandir

        def scandir(path: str | int = ".") -> Iterator[os.DirEntry]:
            if not isinstance(path, int) and Path(path) == locked:
                raise PermissionError(13, "Permission denied", str(path))
            return real(path)

        monkeypatch.setattr(os, "scandir", scandir)
    try:
        assert "no permission to use this path" in refused(
            capsys, "new", "a", "--from", str(clips), "--model", "pocket"
        )
    finally:
        locked.chmod(0o755)


def test_a_folder_whose_clips_went_missing(clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "a", "--from", str(clips), "--model", "pocket"]) == 0
    shutil.move(clips, clips.with_name("elsewhere"))
    assert str(clips) in refused(capsys, "check", "a")


def test_nothing_usable_is_left(clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    soundfile.write(clips / "short.wav", tone(0.2), RATE)
    assert main(["new", "a", "--from", str(clips), "--model", "pocket"]) == 0
    for clip in clips.glob("*.wav"):
        text_named_wav(clip)
    assert "no usable clip is left of" in refused(capsys, "run", "a")
    assert "no usable clip is left of" in refused(capsys, "new", "b", "--from", str(clips), "--model", "pocket")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError:
        pytest.skip("there is no mount command here")
    if done.returncode:
        pytest.skip("mounting is not permitted here")
    try:
        yield place
    finally:
        os.chdir(tmp_path)
        subprocess.run(["umount", "-l", str(place)], check=False)


def test_a_full_disk(
    disk: Path, clips: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(disk)
    assert main(["new", "a", "--from", str(clips), "--model", "pocket"]) == 0
    recipe = Path("runs/a/recipe.yaml").read_bytes()
    filler = os.open(disk / "filler", os.O_WRONLY | os.O_CREAT)
    with pytest.raises(OSError, match="No space"):
        while True:
            os.write(filler, b"x" * 4096)
    os.close(filler)
    for verb in ("check", "run", "report"):
        assert "the disk is full" in refused(capsys, verb, "a")
    assert Path("runs/a/recipe.yaml").read_bytes() == recipe
    assert not [p for p in Path("runs").rglob("*") if p.name.startswith(".") and p.suffix in (".json", ".yaml")]
    (disk / "filler").unlink()
    assert main(["check", "a"]) == 0  # the same command goes on once there is room


def test_a_read_only_folder(
    disk: Path, clips: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(disk)
    assert main(["new", "a", "--from", str(clips), "--model", "pocket"]) == 0
    before = snapshot(disk)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    for arguments in (["check", "a"], ["run", "a"], ["new", "b", "--from", str(clips), "--model", "pocket"]):
        assert "no permission to use this path" in refused(capsys, *arguments)
    assert snapshot(disk) == before


def test_a_place_where_nothing_can_be_made(
    clips: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir("/proc")
    refused(capsys, "new", "a", "--from", str(clips), "--model", "pocket")


def test_a_wrong_model(clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "llama"
    other.mkdir()
    (other / "config.json").write_text('{"model_type": "llama"}')
    broken = tmp_path / "musicgen-broken"
    broken.mkdir()
    (broken / "config.json").write_text('{"model_type": "musicgen"}')
    for model, words in (
        (str(tmp_path / "nowhere"), "nowhere"),
        (str(other), "no model family recognises this checkpoint"),
        (str(broken), "musicgen-broken"),
        ("facebook/musicgen-melody", "MusicGen-melody is not supported"),
        ("facebook/musicgen-style", "MusicGen-style is not supported"),
        ("meta-llama/Llama-3", "no model family recognises this checkpoint"),
    ):
        assert words in refused(capsys, "new", "a", "--from", str(clips), "--model", model)
    assert main(["new", "a", "--from", str(clips), "--model", "pocket"]) == 0
    for model in (str(other), str(tmp_path / "nowhere"), str(tmp_path / "musicgen-nowhere")):
        refused(capsys, "train", "a", f"model.path={model}")


def test_an_adapter_of_another_base(
    clips: Path, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import MusicgenForConditionalGeneration

    base = MusicgenForConditionalGeneration.from_pretrained(tiny)
    get_peft_model(base, LoraConfig(r=4, target_modules=["q_proj"])).save_pretrained(tmp_path / "adapter")
    assert main(["new", "a", "--from", str(clips), "--model", "pocket"]) == 0
    shutil.copytree(tmp_path / "adapter", "runs/a/best_model")
    before = snapshot(Path("runs/a/best_model"))
    for verb in ("generate", "evaluate"):
        assert "this adapter does not fit" in refused(capsys, verb, "a")
    (Path("runs/a/best_model") / "adapter_model.safetensors").write_bytes(b"no tensors")
    assert "this adapter cannot be read" in refused(capsys, "generate", "a")
    (Path("runs/a/best_model") / "adapter_config.json").unlink()
    assert "this folder holds no adapter" in refused(capsys, "generate", "a")
    assert set(before) >= set(snapshot(Path("runs/a/best_model")))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train.learning_rat=1"], "unknown key"),
        (["adapter.rank=-4"], "adapter.rank: must be greater than 0, not `-4`"),
        (["generate.seconds=0"], "generate.seconds: must be at least 0.1"),
    ],
)
def test_a_wrong_recipe(arguments: list[str], words: str, clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "a", "--from", str(clips), "--model", "pocket"]) == 0
    before = snapshot(Path("runs"))
    assert words in refused(capsys, "run", "a", *arguments)
    assert snapshot(Path("runs")) == before
    key, value = arguments[0].split("=")
    section, name = key.split(".")
    Path("mine.yaml").write_text(f"name: mine\n{section}:\n  {name}: {value}\n")
    told = refused(capsys, "run", "mine.yaml")
    assert told.startswith("error: mine.yaml:3: ")
    assert "id you mean" in told or "must be greater" in told or "must be at least" in told


def test_a_duration_of_zero(clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "a", "--from", str(clips), "--model", "pocket"]) == 0
    for verb in ("generate", "evaluate"):
        assert "0 seconds cannot be generated" in refused(capsys, verb, "a", "--duration", "0")
