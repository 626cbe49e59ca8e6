"""Everything that can be wrong with what a user brings to ACE-Step: a sentence, a non-zero exit, nothing lost.

Through the doorways' own entry, on real files made here.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.data.sounds import phrase, save
from tests.e2e.songs import small_lora
from tunesmith.cli.main import main
from tunesmith.data.layouts.huggingface import rows
from tunesmith.doorways.ace_step.convert2hf_dataset import convert2hf_dataset
from tunesmith.doorways.ace_step.trainer import trainer
from tunesmith.doorways.common import run_doorway

LOGS = Path("exps/logs/lightning_logs")
WORDS = "[verse]\nI walk along the river\nand count the falling stars\n\n[chorus]\nla la la\n"
Capsys = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def work(songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with eight clips and a small LoRA config."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tunesmith.cli.guard._working_on", [])
    shutil.copytree(songs, "data")
    small_lora(Path("lora.json"))
    return tmp_path


@pytest.fixture
def flags(swift: Path) -> list[str]:
    quick = ["--max_steps", "2", "--every_n_train_steps", "2", "--every_plot_step", "0"]
    return ["--model", str(swift), "--lora_config_path", "lora.json", *quick]


def convert(*argv: str) -> list[dict]:
    """Convert what there is; the rows."""
    assert run_doorway(convert2hf_dataset, list(argv)) == 0
    return list(rows(Path("zh_lora_dataset")))


def refused(capsys: Capsys, argv: list[str], command=trainer) -> str:
    """Run a command that must fail with one sentence and change nothing."""
    before = snapshot()
    capsys.readouterr()
    code = run_doorway(command, argv)
    err = capsys.readouterr().err
    assert code == 1, err
    assert err.startswith("error: ")
    assert "Traceback" not in err
    assert "unforeseen" not in err
    assert snapshot() == before
    return err


def snapshot() -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in Path().rglob("*") if p.is_file()}


def findings() -> list[dict]:
    run = max(LOGS.iterdir())
    return json.loads((run / "data" / "findings.json").read_text(encoding="utf-8"))["findings"]


# --- clips and their texts --------------------------------------------------------------------------------------------


def test_a_prompt_that_is_missing_or_empty_skips_its_clip(capsys: Capsys) -> None:
    Path("data/song0_prompt.txt").unlink()
    Path("data/song1_prompt.txt").write_text(" \r\n")
    assert [row["keys"] for row in convert()] == [f"song{i}" for i in range(2, 8)]
    said = capsys.readouterr().out
    assert "skipped song0.wav: song0_prompt.txt is missing." in said
    assert "skipped song1.wav: song1_prompt.txt is empty." in said


def test_nothing_is_written_where_nothing_is_left(capsys: Capsys) -> None:
    for prompt in Path("data").glob("*_prompt.txt"):
        prompt.write_text("")
    err = refused(capsys, [], convert2hf_dataset)
    assert "data: no usable clip is left: song0.wav: song0_prompt.txt is empty." in err
    for argv, words in (
        (["--data_dir", "nowhere"], "nowhere: there is no such folder"),
        (["--data_dir", "lora.json"], "this is a file, not a folder"),
        (["--repeat_count", "0"], "--repeat_count: 0 is not a positive whole number"),
        (["--output_name", "data"], "data: this is there already and is no dataset"),
    ):
        assert words in refused(capsys, argv, convert2hf_dataset)
    Path("empty").mkdir()
    assert "holds no audio clips" in refused(capsys, ["--data_dir", "empty"], convert2hf_dataset)


def test_audio_that_cannot_be_learnt_from_is_skipped_with_its_reason(capsys: Capsys) -> None:
    save(Path("data/song0.wav"), np.zeros(48_000, np.float32))
    save(Path("data/song1.wav"), phrase(1, 0.5))
    save(Path("data/song2.wav"), phrase(2, 1.0))  # a second is enough
    Path("data/song3.wav").write_text("my lyrics\n" * 50)
    Path("data/gone_lyrics.txt").write_text("la")
    assert [row["keys"] for row in convert()] == ["song2", "song4", "song5", "song6", "song7"]
    said = capsys.readouterr().out
    for words in (
        "skipped song0.wav: 100% of this clip is silence",
        "skipped song1.wav: this clip lasts 0.50 s, under 1 s",
        "skipped song3.wav: this clip cannot be read: this is a text file named .wav, not audio",
        "skipped gone: there is gone_lyrics.txt, and no audio called gone",
    ):
        assert words in said, words


def test_lyrics_as_people_have_them_are_read_and_told(flags: list[str], capsys: Capsys) -> None:
    texts = {
        "song0": WORDS.replace("\n", "\r\n").encode("utf-8-sig"),
        "song1": "[verse]\nun café à Paris\n".encode("latin-1"),
        "song2": (WORDS * 1000)[:50_000].encode(),
        "song3": b"[intro]\n[inst]\n[outro]\n",
        "song4": b"I walk [chorus] along the [drop] river\n",
        "song5": "ฉันเดินไปตามแม่น้ำ\nและนับดาว\n".encode(),
        "song6": b"\n \n",
    }
    for name, content in texts.items():
        Path(f"data/{name}_lyrics.txt").write_bytes(content)
    made = {row["keys"]: row["norm_lyrics"] for row in convert()}
    assert made["song0"] == WORDS.strip()
    assert made["song1"] == "[verse]\nun café à Paris"
    assert made["song6"] == made["song7"] == ""
    assert len(made["song2"]) > 49_000
    assert "song1.wav: song1_lyrics.txt is not UTF-8; it was read as latin-1" in capsys.readouterr().out
    assert run_doorway(trainer, flags) == 0
    told = {finding["clip"]: finding for finding in findings() if finding["check"] == "family_texts"}
    assert "tokens longer than the 4096 that the model reads" in told["data/song2.wav"]["message"]["text"]
    assert "[drop]" in told["data/song4.wav"]["message"]["text"]
    assert "of its lyrics' tokens are unknown to the model" in told["data/song5.wav"]["message"]["text"]
    assert not {"data/song3.wav", "data/song6.wav"} & told.keys()
    assert all(finding["level"] == "warn" for finding in told.values())


def test_a_language_that_is_not_supported(swift: Path, capsys: Capsys) -> None:
    Path("data/song0_lyrics.txt").write_text(WORDS)
    assert main(["new", "a", "--from", "data", "--model", str(swift)]) == 0
    before = snapshot()
    capsys.readouterr()
    assert main(["check", "a", "options.language=xx"]) == 1
    err = capsys.readouterr().err
    assert "xx" in err
    assert "Traceback" not in err
    assert {name: content for name, content in snapshot().items() if name in before}.keys() == before.keys()


def test_a_dataset_whose_audio_was_moved(flags: list[str], capsys: Capsys) -> None:
    convert()
    shutil.move("data/song3.wav", "elsewhere.wav")
    assert run_doorway(trainer, flags) == 0
    said = capsys.readouterr().out
    assert "error  data/song3.wav: its audio data/song3.wav is not there (looked in " in said
    assert "1 quarantined" in said
    # All of it gone is the end, but audio that came along with the dataset is found.
    shutil.move("data", "data.old")
    capsys.readouterr()
    assert run_doorway(trainer, flags) == 1
    assert (
        "no usable clip is left of 8; data/song0.wav: its audio data/song0.wav is not there" in capsys.readouterr().err
    )
    Path("there").mkdir()
    shutil.move("data.old", "there/data")
    shutil.move("zh_lora_dataset", "there/set")
    assert run_doorway(trainer, [*flags, "--dataset_path", "there/set", "--max_steps", "1"]) == 0


# --- the LoRA config --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "lora.json:1: this file is not JSON"),
        ('{"r": 16,}', "this file is not JSON"),
        ("[]", "this file is not a JSON object"),
        ({"r": 0}, "`r` must be a whole number, 1 to 1024, not 0"),
        ({"r": True}, "`r` must be a whole number, 1 to 1024, not True"),
        ({"r": "16"}, "`r` must be a whole number, 1 to 1024, not '16'"),
        ({"r": 5000}, "`r` must be a whole number, 1 to 1024, not 5000"),
        ({"lora_alpha": 0}, "`lora_alpha` must be a number above 0, not 0"),
        ({"lora_dropout": 1}, "`lora_dropout` must be a number from 0 up to 1, not 1"),
        ({"use_rslora": "yes"}, "`use_rslora` must be true or false, not 'yes'"),
        ({"target_modules": []}, "`target_modules` must be a list of module names, not []"),
        ({"target_modules": "all-linear"}, "`target_modules` must be a list of module names"),
        ({"target_modules": ["to_q", "to_w"]}, "`target_modules` names to_w, and this model has no such layer"),
        ({"target_modules": ["q_proj"]}, "`target_modules` names q_proj, and this model has no such layer"),
        ({"bias": "all"}, "`bias` is 'all', which is not supported. Leave it out, or write 'none'."),
        ({"lora_alfa": 8}, "unknown key `lora_alfa`. Did you mean `lora_alpha`?"),
        ({"r": None}, "`r` must be a whole number"),
    ],
)  # fmt: skip
def test_a_lora_config_that_cannot_be_used(content: object, words: str, flags: list[str], capsys: Capsys) -> None:
    if isinstance(content, str):
        Path("lora.json").write_text(content)
    else:
        small_lora(Path("lora.json"), **content)
    err = refused(capsys, [*flags, "--dataset_path", "data"])
    assert words in err
    assert "lora.json" in err


def test_a_lora_config_that_is_missing_or_half(flags: list[str], capsys: Capsys) -> None:
    Path("lora.json").write_text('{"lora_alpha": 8, "target_modules": ["to_q"]}')
    assert "this LoRA config has no `r`" in refused(capsys, [*flags, "--dataset_path", "data"])
    Path("lora.json").unlink()
    assert "lora.json: no such file" in refused(capsys, [*flags, "--dataset_path", "data"])


# --- flags ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ("--precision 64", "--precision: `64` is none of 32, "),
        ("--gradient_clip_algorithm max", "`max` is neither `norm` nor `value`"),
        ("--gradient_clip_val -1", "--gradient_clip_val: -1 is negative"),
        ("--epochs 0", "--epochs: 0 is not a positive whole number"),
        ("--epochs -2", "--epochs: -2 is not a positive whole number"),
        ("--max_steps 0", "--max_steps: 0 is not a positive whole number"),
        ("--shift 0", "--shift: 0 is not a positive number"),
        ("--shift 50", "options.shift"),
        ("--resume yes", "`yes` is not `auto`; name a certain checkpoint with --ckpt_path"),
        ("--resume auto --ckpt_path x", "--resume auto and --ckpt_path contradict each other"),
        ("--exp_name a/b", "--exp_name: `a/b` cannot name a run"),
        ("--devices 0", "--devices: 0 is not a positive whole number"),
        ("--num_nodes 2", "MASTER_ADDR, MASTER_PORT, NODE_RANK are not set"),
        ("--model facebook/musicgen-small", "facebook/musicgen-small: this is no ACE-Step v1 checkpoint"),
        ("--model ./nowhere", "nowhere: this is no ACE-Step v1 checkpoint"),
        ("--model data", "missing"),
        ("--model ACE-Step/ACE-Step-v1.5", "ACE-Step 1.5 is another model than v1"),
        ("--dataset_path nowhere", "nowhere: there is no such dataset folder. Make it with convert2hf_dataset.py"),
        ("--dataset_path lora.json", "there is no such dataset folder"),
        ("--logger_dir lora.json", "lora.json"),
        ("--checkpoint_dir lora.json", "this is a file, not a folder"),
        ("--ckpt_path nowhere", "nowhere: there is no such checkpoint"),
        ("--ckpt_path data", "data: this folder is no checkpoint"),
        ("--ckpt_path model.ckpt", "Lightning's .ckpt files hold program objects, which are never loaded"),
        ("--config other.yaml", "other.yaml: there is no such config file"),
    ],
)  # fmt: skip
def test_a_flag_that_cannot_be_used(
    argv: str, words: str, flags: list[str], capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK"):
        monkeypatch.delenv(name, raising=False)
    Path("model.ckpt").write_bytes(b"pickle")
    assert words in refused(capsys, [*flags, "--dataset_path", "data", *argv.split()])


def test_an_unknown_key_or_flag(capsys: Capsys) -> None:
    Path("config.yaml").write_text("max_step: 3\n")
    assert "unknown key `max_step`. Did you mean `max_steps`?" in refused(capsys, [])
    for command in (trainer, convert2hf_dataset):
        with pytest.raises(SystemExit) as ended:
            run_doorway(command, ["--nonsense"])
        assert ended.value.code == 2


def test_ctrl_c_while_encoding_loses_nothing(flags: list[str], capsys: Capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    from tunesmith.data.cache import EncodedStore

    def stop(self: EncodedStore, *_: object) -> None:
        raise KeyboardInterrupt

    flags = [*flags, "--dataset_path", "data"]
    with monkeypatch.context() as patch:
        patch.setattr(EncodedStore, "put", stop)
        assert run_doorway(trainer, flags) == 130
    told = capsys.readouterr()
    assert "stopped. What was finished is kept in exps/logs/lightning_logs/" in told.err
    assert "the same flags with --resume auto go on from there" in told.err
    assert run_doorway(trainer, [*flags, "--resume", "auto"]) == 0
    assert "which has no checkpoint" in capsys.readouterr().out
    assert len(list(LOGS.iterdir())) == 1


# --- checkpoints ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(swift: Path, songs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one short run."""
    root = tmp_path_factory.mktemp("trained")
    lora = small_lora(root / "lora.json")
    places = ["--dataset_path", str(songs), "--logger_dir", str(root / "logs"), "--lora_config_path", str(lora)]
    quick = ["--max_steps", "2", "--every_n_train_steps", "2", "--every_plot_step", "0"]
    assert run_doorway(trainer, ["--model", str(swift), *places, *quick]) == 0
    (run,) = (root / "logs" / "lightning_logs").iterdir()
    return run


@pytest.mark.parametrize(
    ("lora", "argv", "words"),
    [
        ({"r": 8}, "", "rank 4 there, 8 here"),
        ({"target_modules": ["to_q", "to_k"]}, "", "targets ['to_q', 'to_k', 'to_v', 'to_out.0'] there, "),
        ({"use_rslora": True}, "", "rslora False there, True here"),
        ({}, "--model pocket", ") there, pocket/ace_step here"),
        ({}, "--batch_size 2", "clips per update 1 there, 2 here"),
    ],
)  # fmt: skip
def test_a_checkpoint_of_another_run_is_refused(
    lora: dict, argv: str, words: str, trained: Path, songs: Path, flags: list[str], capsys: Capsys
) -> None:
    small_lora(Path("lora.json"), **lora)
    start = str(trained / "checkpoints" / "step-000002")
    for how in (["--ckpt_path", start], ["--resume", "auto", "--logger_dir", str(trained.parents[1])]):
        err = refused(capsys, [*flags, "--dataset_path", str(songs), *how, *argv.split()])
        assert "step-000002: this checkpoint belongs to another run: " in err
        assert words in err


def test_a_checkpoint_of_other_clips_is_refused_and_blocks_no_later_run(
    trained: Path, songs: Path, flags: list[str], capsys: Capsys
) -> None:
    Path("data/song0.wav").unlink()
    Path("data/song0_prompt.txt").unlink()
    before = {path: path.read_bytes() for path in trained.rglob("*") if path.is_file()}
    start = ["--ckpt_path", str(trained / "checkpoints" / "step-000002")]
    assert run_doorway(trainer, [*flags, "--dataset_path", "data", *start]) == 1
    assert "this checkpoint belongs to other clips (6 (" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in trained.rglob("*") if path.is_file()} == before
    assert run_doorway(trainer, [*flags, "--dataset_path", str(songs), *start, "--resume", "None"]) == 0
    assert "continuing from" in capsys.readouterr().out


def test_an_adapter_alone_is_no_checkpoint(trained: Path, songs: Path, flags: list[str], capsys: Capsys) -> None:
    for name in ("checkpoints/epoch=0-step=2_lora", "best_model"):
        err = refused(capsys, [*flags, "--dataset_path", str(songs), "--ckpt_path", str(trained / name)])
        assert "this folder holds an adapter without the optimizer's state" in err
    assert "step-000002 are there" in refused(
        capsys, [*flags, "--dataset_path", str(songs), "--ckpt_path", str(trained / "checkpoints/epoch=0-step=2_lora")]
    )
    half = Path(shutil.copytree(trained / "checkpoints" / "step-000002", "step-000002"))
    (half / "optimizer.pt").write_bytes(b"cut")
    assert run_doorway(trainer, [*flags, "--dataset_path", str(songs), "--ckpt_path", str(half)]) == 1
    assert "this checkpoint is incomplete" in capsys.readouterr().err
