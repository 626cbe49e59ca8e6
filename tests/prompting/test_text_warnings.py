"""A prompt that the model reads in part is said before anything is generated with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith.data.prompt import Prompt
from tunesmith.prompting.text_warnings import warn_of_texts
from tunesmith.recipe.models import Recipe
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder

LONG = ", ".join(f"{number} bpm" for number in range(100, 300))


@pytest.mark.parametrize(("model", "limit"), [("pocket", 512), ("pocket/ace_step", 256)])
def test_a_prompt_that_is_cut_is_said_once(tmp_path: Path, model: str, limit: int) -> None:
    folder = RunFolder(tmp_path / "run").create()
    recipe = Recipe.model_validate({"model": {"path": model, "device": "cpu"}})
    context = RunContext(folder, recipe, Console(quiet=True, log_file=folder.log))
    warn_of_texts(context, [Prompt("slow piano", "user"), Prompt(LONG, "user"), Prompt(LONG, "user")])
    (line,) = folder.log.read_text(encoding="utf-8").splitlines()
    assert "warning: prompt “100 bpm, 101 bpm," in line and f"the model reads the first {limit}" in line
