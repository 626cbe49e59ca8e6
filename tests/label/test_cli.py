from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.label.answers import clip, texts
from tunesmith.cli.main import main
from tunesmith.errors import TunesmithError
from tunesmith.label.choose import QWEN, choose


def test_measuring_needs_neither_torch_nor_transformers(tmp_path: Path) -> None:
    clip(tmp_path / "a.wav")
    code = (
        f"import sys, tunesmith.cli.main as m; code = m.main(['label', {str(tmp_path)!r}]);"
        "heavy = {'torch', 'transformers'} & set(sys.modules); sys.exit(f'imported {heavy}' if heavy else code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert texts(tmp_path) == {"a_prompt.txt": "energetic, deep bass, 150 bpm"}
    assert "1/1" in done.stdout
    assert "labelled: 1 clips" in done.stdout


def test_a_folder_that_is_not_there_is_1_and_a_wrong_flag_is_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["label", str(tmp_path / "none")]) == 1
    assert "there is no such folder" in capsys.readouterr().err
    assert main(["label", str(tmp_path), "--provider", "psychic"]) == 2
    assert main(["label", str(tmp_path), "--limit", "0"]) == 2


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ({"provider": "endpoint", "model": "m"}, "--base-url: the provider `endpoint` needs a server"),
        ({"provider": "endpoint", "base_url": "http://h/v1"}, "--model: the provider `endpoint` needs a model"),
        ({"provider": "measured", "model": "m"}, "--model: the provider `measured` has no use for it"),
        ({"provider": "measured", "prompt": Path("p")}, "--prompt: the provider `measured` has no use for it"),
        ({"provider": "qwen-omni", "base_url": "http://h"}, "--base-url: the provider `qwen-omni` has no use"),
        ({"provider": "qwen-omni", "dialect": "openai"}, "--dialect: the provider `qwen-omni` has no use"),
    ],
)
def test_flags_that_are_missing_or_of_no_use_are_said(flags: dict, sentence: str) -> None:
    with pytest.raises(TunesmithError, match=sentence):
        choose(**flags)


def test_providers_are_chosen_without_loading_anything() -> None:
    assert choose("measured") is None
    qwen = choose("qwen-omni")
    assert qwen is not None
    assert (qwen.name, qwen.model) == ("qwen-omni", QWEN)
    server = choose("endpoint", "m", "http://localhost:8000/v1/chat/completions/", "dashscope")
    assert server is not None
    assert (server.name, server.model) == ("endpoint", "m")
