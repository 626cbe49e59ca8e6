"""A gate that stops a run through a doorway names the doorway's own flag; every trainer has it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from tunesmith.doorways.ace_step.options import FLAG_OF as ACE_STEP
from tunesmith.doorways.ace_step.trainer import trainer
from tunesmith.doorways.common import run_doorway
from tunesmith.doorways.musicgen.options import FLAG_OF as MUSICGEN
from tunesmith.doorways.musicgen.train_lora import train_lora
from tunesmith.doorways.step_audio.config import KEY_OF as STEP_AUDIO
from tunesmith.doorways.step_audio.finetune_demo import finetune_demo
from tunesmith.families.registry import family_type
from tunesmith.recipe.models import Recipe
from tunesmith.texts import msg
from tunesmith.training.gate_stop import GateStopError

TRAINERS = (trainer, train_lora, finetune_demo)


def test_the_flags_of_the_gates_that_stopped_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    stopped = GateStopError(msg("gate base_loss: too high"), ["base_loss", "layout"])
    assert "set gates.base_loss=warn, gates.layout=warn (or off)" in str(stopped)

    def stops(argv: Sequence[str] | None) -> int:
        raise stopped

    assert run_doorway(stops, []) == 1
    said = capsys.readouterr().err
    assert "add --gate base_loss=warn --gate layout=warn (or off)" in said
    assert "gates." not in said


@pytest.mark.parametrize("main", TRAINERS)
def test_every_trainer_has_the_flags(
    main: Callable[[Sequence[str] | None], int], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    assert "--gate NAME=ACTION" in said
    assert "--set KEY=VALUE" in said


@pytest.mark.parametrize(
    ("family", "owned"), [("ace_step", ACE_STEP), ("musicgen", MUSICGEN), ("step_audio", STEP_AUDIO)]
)
def test_what_a_flag_decides_is_a_key_of_the_recipe(family: str, owned: dict[str, str]) -> None:
    for key in owned:
        section, _, name = key.partition(".")
        if section == "options":
            assert name in family_type(family).settings.model_fields, key
        elif name:
            assert name in Recipe.model_fields[section].annotation.model_fields, key  # type: ignore[union-attr]
        else:
            assert section in Recipe.model_fields
