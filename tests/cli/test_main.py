from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tunesmith import __version__
from tunesmith.cli.guard import explain, working_on
from tunesmith.cli.main import VERBS, main
from tunesmith.errors import TunesmithError
from tunesmith.texts import msg


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tunesmith.cli.guard._working_on", [])


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Six short tones in a folder."""
    folder = tmp_path / "beats"
    folder.mkdir()
    for number in range(6):
        tone = 0.3 * np.sin(2 * np.pi * (220 + 40 * number) * np.arange(16000 * (2 + number)) / 16000)
        soundfile.write(folder / f"beat-{number}.wav", tone, 16000)
    return folder


@pytest.fixture
def made(clips: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A run `a` on the pocket model."""
    assert main(["new", "a", "--from", str(clips), "--model", "pocket", "--text", "tones"]) == 0
    capsys.readouterr()
    return Path("runs/a")


def raising(error: BaseException) -> Callable[..., int]:
    def fail(*_: object, **__: object) -> int:
        raise error

    return fail


def test_the_help_of_export_names_every_format(capsys: pytest.CaptureFixture[str]) -> None:
    from tunesmith.families.registry import make_family

    assert main(["export", "--help"]) == 0
    words = set(re.findall(r"[\w-]+", capsys.readouterr().out))
    for name in ("pocket/musicgen", "pocket/ace_step", "pocket/step_audio"):
        assert set(make_family(name, None, {}).adapters.formats()) <= words, name


def test_help_is_light_and_lists_every_verb_in_both_languages() -> None:
    code = (
        "import sys, tunesmith.cli.main as m; code = m.main(['--help']);"
        "heavy = {'torch', 'transformers', 'numpy', 'scipy', 'rich', 'pydantic', 'yaml'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for verb in [*(verb.__name__.replace("_", "-") for verb, _ in VERBS), "presets", "pocket"]:
        assert f"\n  {verb} " in done.stdout
    assert "训练适配器" in done.stdout


@pytest.mark.parametrize("verb", [verb.__name__.replace("_", "-") for verb, _ in VERBS])
def test_every_verb_explains_itself_in_english_and_chinese(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"Usage: tunesmith {verb}" in text
    assert any("\u4e00" <= letter <= "\u9fff" for letter in text)


def test_python_dash_m_and_the_version() -> None:
    done = subprocess.run([sys.executable, "-m", "tunesmith", "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"tunesmith {__version__}\n")


@pytest.mark.parametrize("arguments", [["frobnicate"], ["train"], ["plan", "--no-such-flag", "a"]])
def test_a_wrong_command_line_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "Error: " in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["run", "x", "--debug"], ["--debug", "run", "x"], ["run", "--debug", "x"]])
def test_debug_stands_anywhere_and_shows_the_traceback(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_failure_is_one_sentence_and_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "nothere"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("error: there is no run `nothere`")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (TunesmithError("it is gone", where="a.wav", remedy="Find it."), 1, "error: a.wav: it is gone. Find it."),
        (OSError(errno.ENOSPC, "No space", "runs/a/cache/0"), 1, "error: runs/a/cache/0: the disk is full."),
        (OSError(errno.EROFS, "Read-only", "runs/a"), 1, "no permission to use this path"),
        (MemoryError(), 1, "error: there is not enough memory. Lower train.batch_size"),
        (type("OutOfMemoryError", (RuntimeError,), {})("CUDA"), 1, "error: there is not enough memory."),
        (RuntimeError("Symlink loop from 'd'"), 1, "error: a path leads nowhere (Symlink loop from 'd')."),
        (ValueError("embedded null byte"), 1, "error: a path leads nowhere (embedded null byte). Check the path."),
        (ValueError("x is 3\nmore"), 70, "error: something unforeseen happened (ValueError: x is 3)."),
        (AssertionError(), 70, "Run again with --debug"),
        (KeyboardInterrupt(), 130, "kept in runs/a (finished stages: check; newest checkpoint: step-000120)"),
    ],
)  # fmt: skip
def test_however_a_verb_ends_the_user_is_told(
    error: BaseException,
    code: int,
    words: str,
    made: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (made / "stages").mkdir()
    (made / "stages" / "check.json").write_text('{"status": "done"}')
    (made / "checkpoints" / "step-000120").mkdir(parents=True)
    monkeypatch.setattr("tunesmith.stages.pipeline.run_stages", raising(error))
    assert main(["train", "a"]) == code
    err = capsys.readouterr().err
    assert words in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TunesmithError(msg("it is gone")), "<error: <it is gone>>"),
        (OSError(errno.ENOSPC, "No space", "a"), "<error: <<a: <the disk is full>>. <Free some space, then run"),
        (MemoryError(), "<error: <<there is not enough memory>. <Lower train.batch_size"),
        (ValueError("x is 3"), "<error: <something unforeseen happened (ValueError: x is 3). <What was finished"),
        (KeyboardInterrupt(), "<stopped. <What was finished is kept in runs/a (<no stage yet>); <the same command"),
    ],
)  # fmt: skip
def test_every_word_around_an_error_is_in_the_reader_s_language(
    error: BaseException, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tunesmith.texts.message.translate", lambda template, language: f"<{template}>")
    monkeypatch.setattr("tunesmith.texts.language.reader_language", lambda: "zh")
    working_on(Path("runs/a"))
    explain(error, debug=False)
    assert words in capsys.readouterr().err


def test_the_exit_code_of_a_stage_is_the_commands(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunesmith.stages.pipeline.run_stages", lambda *_, **__: 3)
    assert main(["evaluate", "a"]) == 3


def test_a_closed_pipe_is_no_failure() -> None:
    command = f"{sys.executable} -m tunesmith schema | head -c 10; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, env={**os.environ})
    assert done.stdout.endswith("\n0\n") or done.stdout.endswith("0\n")
    assert done.stderr == ""


def test_new_looks_at_the_data_and_writes_a_recipe_that_loads(clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "mybeats", "--from", str(clips), "--model", "facebook/musicgen-small"]) == 0
    out = capsys.readouterr().out
    assert "layout: folder; 6 clips from 6 sources, 2.0 s to 7.0 s (median 4.5 s), 0.5 min in all" in out
    assert "6 clips usable (0.5 min): 4 train, 2 held out; 0 quarantined (layout: folder, split: by_source)" in out
    for word in (
        "memory on a GPU",
        "memory on a CPU",
        "disk: about",
        "`tunesmith run` on a CPU",
        "next: tunesmith run mybeats",
    ):
        assert word in out
    assert main(["new", "mybeats", "--from", str(clips)]) == 1
    assert "there is a run `mybeats` already" in capsys.readouterr().err


def test_generate_turns_its_flags_into_the_recipe(made: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen = []

    def stages(context, names, **_):  # type: ignore[no-untyped-def]
        seen.append((context.recipe.generate, names))
        context.folder.generated.mkdir()
        (context.folder.generated / "00.flac").write_bytes(b"sound")
        return 0

    monkeypatch.setattr("tunesmith.stages.pipeline.run_stages", stages)
    flags = ["--prompt", "a, b", "--prompt", "c: d", "--seconds", "3.5", "--seed", "7", "--format", "flac"]
    assert main(["generate", "a", "generate.batch_size=1", *flags, "--adapter-scale", "0.5", "--out", "mine"]) == 0
    ((recipe, names),) = seen
    assert names == ["generate"]
    assert recipe.prompts == ("a, b", "c: d")
    assert (len(recipe.prompts), recipe.seconds, recipe.seed, recipe.format) == (2, 3.5, 7, "flac")
    assert (recipe.adapter_scale, recipe.batch_size) == (0.5, 1)
    assert (tmp_path / "mine" / "00.flac").read_bytes() == b"sound"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["generate", "a", "--duration", "0"], "--seconds: 0 seconds cannot be generated"),
        (["generate", "a", "--seconds", "-2"], "--seconds: -2 seconds cannot be generated"),
        (["generate", "a", "--seconds", "nan"], "cannot be generated"),
        (["generate", "a", "--seconds", "inf"], "must be a finite number"),
        (["generate", "a", "--format", "aiff"], "generate.format: must be one of wav, flac, mp3, not `aiff`"),
        (["generate", "a", "--prompt", " "], "--prompt: a prompt is empty"),
        (["evaluate", "a", "--duration", "0"], "--seconds: 0 seconds"),
        (["run", "a", "train.lr=3"], "command line: train.lr: unknown key"),
        (["run", "a", "adapter.rank=-1"], "command line: adapter.rank: must be greater than 0, not `-1`"),
        (["new", "x/y", "--from", "."], "`x/y` cannot name a run"),
        (["new", "b", "--from", "nowhere"], "there is no such folder"),
        (["new", "b", "--from", "runs"], "holds no audio"),
        (["new", "b", "--from", "beats", "--preset", "carefull"], "Did you mean `careful`?"),
        (["new", "b", "--from", "beats", "--model", "./nowhere"], "no model family recognises"),
        (["new", "b", "--from", "beats", "--model", "facebook/musicgen-melody"], "MusicGen-melody is not supported"),
        (["presets", "show", "smal-6gb"], "Did you mean `small-6gb`?"),
        (["schema", "--family", "musicgem"], "Did you mean `musicgen`?"),
        (["pocket", "build", "opera"], "there is no pocket model of `opera`"),
        (["pocket", "build", "step_audio"], "run: make pocket-step-audio"),
        (["pocket", "build", "--out", "x", "--minutes", "2.5"], "make pocket-musicgen OUT=x MINUTES=2.5"),
    ],
)  # fmt: skip
def test_bad_input_is_1_with_a_sentence(
    arguments: list[str], words: str, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.read_bytes() for path in made.rglob("*") if path.is_file()}
    assert main(arguments) == 1
    assert words in capsys.readouterr().err
    assert {path: path.read_bytes() for path in made.rglob("*") if path.is_file()} == before


def test_presets_can_be_listed_shown_and_copied(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["presets"]) == 0
    listed = capsys.readouterr().out
    assert "careful\n" in listed
    assert main(["presets", "show", "careful"]) == 0
    shown = capsys.readouterr().out
    assert main(["presets", "copy", "careful"]) == 0
    assert Path("careful.yaml").read_text(encoding="utf-8") == shown
    assert main(["presets", "copy", "careful"]) == 1
    assert main(["presets", "copy", "careful", "--force"]) == 0


def test_the_shell_can_complete_verbs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    script = subprocess.run(
        [sys.executable, "-m", "tunesmith", "--show-completion", "bash"], capture_output=True, text=True, check=True
    ).stdout
    assert "complete -o default -F _tunesmith_completion tunesmith" in script
    asked = {"_TUNESMITH_COMPLETE": "complete_bash", "COMP_WORDS": "tunesmith ev", "COMP_CWORD": "1"}
    completed = subprocess.run(
        [sys.executable, "-m", "tunesmith"], capture_output=True, text=True, check=True, env={**os.environ, **asked}
    )
    assert completed.stdout.split() == ["evaluate"]


def test_schema_to_a_file_is_schema_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "--family", "musicgen"]) == 0
    printed = capsys.readouterr().out
    assert main(["schema", "--family", "musicgen", "--out", "s.json"]) == 0
    assert capsys.readouterr().out == "written: s.json\n"
    assert Path("s.json").read_text(encoding="utf-8") == printed


def test_info_names_versions_devices_and_the_mirror(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example")
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    for word in (__version__, "torch", "devices", "cpu", "ffmpeg", "families", "musicgen", "https://mirror.example"):
        assert word in out
