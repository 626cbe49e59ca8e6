from __future__ import annotations

import json

import pytest

from tunesmith.families.musicgen.published import published_card
from tunesmith.recipe.load import load_text
from tunesmith.recipe.models import Recipe
from tunesmith.training.planner import Plan, card_for_planning, duration, estimate


def plan(size: str = "small", text: str = "name: a", **keywords: float) -> Plan:
    card = published_card(f"facebook/musicgen-{size}")
    assert card is not None
    return estimate(
        load_text(text).recipe, card, **{"seconds_total": 3000.0, "clips": 100, "longest": 30.0, **keywords}
    )  # type: ignore[arg-type]


def memory(of: Plan, device: str = "GPU") -> dict[str, float]:
    return dict(next(one.memory for one in of.devices if one.device == device))


@pytest.mark.parametrize(
    ("size", "megabytes_per_token", "adapter_millions", "gigabytes"),
    [("small", 1.02, 10.22, 4.0), ("medium", 3.05, 30.7, 10.0), ("large", 4.05, 40.9, 14.5)],
)
def test_estimates_agree_with_what_was_counted_on_the_real_shapes(
    size: str, megabytes_per_token: float, adapter_millions: float, gigabytes: float
) -> None:
    """One clip of 30 s, no checkpointing: activations from saved-tensor hooks, adapter rank 16 from peft itself."""
    one = plan(size, "train: {batch_size: 1, accumulation: 8}")
    assert one.frames_per_micro_batch == 1504
    assert memory(one)["activations"] / 1504 / 1e6 == pytest.approx(megabytes_per_token, rel=0.08)
    assert one.adapter_parameters / 1e6 == pytest.approx(adapter_millions, rel=0.08)
    assert sum(memory(one).values()) / 1e9 == pytest.approx(gigabytes, rel=0.12)


def test_time_on_a_cpu_agrees_with_a_measured_update(monkeypatch: pytest.MonkeyPatch) -> None:
    """Musicgen-small, one clip of 10 s, one core: 17.4 CPU-s per update were measured."""
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    text = "model: {device: cpu}\ntrain: {updates: 100, batch_size: 1, accumulation: 1, valid_every: 100000}\n"
    one = plan(text=text + "data: {max_seconds: 10, min_crop_seconds: 10}", seconds_total=1000.0, longest=10.0)
    (device,) = one.devices
    assert device.precision == "fp32"
    assert device.seconds["training"] / 100 == pytest.approx(17.4, rel=0.1)


def test_what_saves_memory_saves_memory() -> None:
    whole = memory(plan())["activations"]
    assert memory(plan(text="train: {batch_size: 2}"))["activations"] == pytest.approx(whole / 2)
    assert memory(plan(text="train: {token_budget: 2000}"))["activations"] < whole / 2
    assert memory(plan(text="train: {gradient_checkpointing: true}"))["activations"] < whole / 8
    assert memory(plan(longest=5.0))["activations"] < whole / 5
    assert memory(plan(), "CPU")["weights"] == 2 * memory(plan())["weights"]
    assert memory(plan(text="model: {precision: fp32}"))["weights"] == 2 * memory(plan())["weights"]


def test_updates_epochs_and_warm_up_are_the_trainings_own() -> None:
    one = plan(text="train: {epochs: 3, warmup_updates: 200}")
    assert one.updates == 3 * 12  # 90 clips to train on, 8 per update
    assert one.epochs == pytest.approx(36 * 8 / 90)
    assert one.warmup == 3, "never more than 10 %"


def test_the_plan_is_json_and_sentences() -> None:
    one = plan(local=False)
    record = json.loads(json.dumps(one.to_json(), allow_nan=False))
    assert record["disk_bytes"] == pytest.approx(sum(one.disk.values()))
    assert record["devices"][0]["memory_bytes"] > 1e9
    assert one.disk["download"] == 2.36e9
    lines = "\n".join(one.lines())
    for words in (
        "plan: 400 updates of 8 clips",
        "memory on a GPU (bf16): about",
        "download 2.4 GB",
        "assuming 30 TFLOP/s",
    ):
        assert words in lines


def test_a_card_is_known_without_a_download_or_not_at_all() -> None:
    def known(path: str) -> tuple[object, bool] | None:
        return card_for_planning(Recipe.model_validate({"model": {"path": path}}))

    found = known("facebook/musicgen-stereo-medium")
    assert found is not None
    assert found[0].channels == 2  # type: ignore[attr-defined]
    assert known("someone/musicgen-of-mine") is None


@pytest.mark.parametrize(
    ("seconds", "words"), [(12.4, "12 s"), (600, "10 min"), (7200, "2.0 h"), (259_200, "3.0 days")]
)
def test_durations_are_said_as_people_say_them(seconds: float, words: str) -> None:
    assert duration(seconds) == words
