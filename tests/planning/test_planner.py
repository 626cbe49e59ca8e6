from __future__ import annotations

import json

import pytest

from tunesmith.families.musicgen.published import published_card
from tunesmith.families.step_audio.sizes import LLM_SAVED_BYTES
from tunesmith.families.step_audio.source import REPOSITORY
from tunesmith.planning.clips import PlannedClips
from tunesmith.planning.outputs import outputs_within
from tunesmith.planning.planner import estimate
from tunesmith.planning.sentences import duration, plan_lines
from tunesmith.planning.work import work_of
from tunesmith.recipe.load import load_text
from tunesmith.recipe.models import Recipe
from tunesmith.records.plan import RunPlan
from tunesmith.run.base_card import card_for_planning


def clips(seconds: float = 30.0, train: int = 90, valid: int = 10) -> PlannedClips:
    """Clips of one length."""
    return PlannedClips((seconds,) * train, (seconds,) * valid, train)


def plan(size: str = "small", text: str = "name: a", of: PlannedClips | None = None, **keywords: int) -> RunPlan:
    card = published_card(f"facebook/musicgen-{size}")
    assert card is not None
    return estimate(load_text(text).recipe, card, of or clips(), **keywords)  # type: ignore[arg-type]


def memory(of: RunPlan, device: str = "GPU") -> dict[str, float]:
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
    monkeypatch.setattr("tunesmith.planning.times.usable_cores", lambda: 1)
    text = "model: {device: cpu}\ntrain: {updates: 100, batch_size: 1, accumulation: 1, valid_every: 100000}\n"
    one = plan(text=text + "data: {max_seconds: 10, min_crop_seconds: 10}", of=clips(10.0, valid=0))
    (device,) = one.devices
    assert device.precision == "fp32"
    assert device.seconds["training"] / 100 == pytest.approx(17.4, rel=0.1)


def test_the_plan_counts_with_the_processes_that_encode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunesmith.planning.times.usable_cores", lambda: 8)
    monkeypatch.setattr("tunesmith.data.workers.usable_cores", lambda: 8)
    monkeypatch.setattr("tunesmith.data.workers.free_memory", lambda: 1e12)

    def encoding(text: str) -> float:
        found = plan(text=f"name: a\nmodel: {{device: cpu}}\n{text}", of=clips(30.0, 2000, 100))
        return next(dict(one.seconds)["encoding"] for one in found.devices if one.device == "CPU")

    alone, two, auto = (encoding(f"data: {{workers: {wanted}}}") for wanted in ("1", "2", "auto"))
    assert two / auto == pytest.approx(4, rel=0.1) and auto < alone < two
    monkeypatch.setattr("tunesmith.data.workers.free_memory", lambda: 3.5e9)  # of which each takes 1.7
    assert encoding("data: {workers: auto}") == alone


def test_what_saves_memory_saves_memory() -> None:
    whole = memory(plan())["activations"]
    assert memory(plan(text="train: {batch_size: 2}"))["activations"] == pytest.approx(whole / 2)
    assert memory(plan(text="train: {token_budget: 2000}"))["activations"] < whole / 2
    assert memory(plan(text="train: {gradient_checkpointing: true}"))["activations"] < whole / 8
    assert memory(plan(of=clips(5.0)))["activations"] < whole / 5
    assert memory(plan(), "CPU")["weights"] == 2 * memory(plan())["weights"]
    assert memory(plan(text="model: {precision: fp32}"))["weights"] == 2 * memory(plan())["weights"]


def test_a_divided_base_takes_its_part_and_two_blocks_of_each_device() -> None:
    whole, divided = (
        memory(plan("large", f"train: {{shard_base: {wanted}}}", processes=4)) for wanted in ("false", "true")
    )
    assert divided["weights"] / whole["weights"] == pytest.approx(1 / 4 + 2 / 48, rel=0.01)
    assert {**divided, "weights": 0.0} == {**whole, "weights": 0.0}
    assert memory(plan("large", "train: {shard_base: true}")) == memory(plan("large")), "one process holds it whole"


def test_updates_epochs_and_warm_up_are_the_trainings_own() -> None:
    one = plan(text="train: {epochs: 3, warmup_updates: 200}")
    assert one.updates == 3 * 12  # 90 clips to train on, 8 per update
    assert one.epochs == 3
    assert one.warmup == 3, "never more than 10 %"


def test_the_plan_is_json_and_sentences() -> None:
    one = plan(local=False)
    record = json.loads(json.dumps(one.to_json(), allow_nan=False))
    assert record["disk_bytes"] == pytest.approx(sum(one.disk.values()))
    assert record["devices"][0]["memory_bytes"] > 1e9
    assert one.disk["download"] == 2.36e9
    lines = "\n".join(map(str, plan_lines(one)))
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
    assert str(duration(seconds)) == words


# --- a family of two networks, several stages and a packed base -------------------------------------------------------


SPOKEN = PlannedClips((*(5.97,) * 359, 15.0), (6.0,) * 40, 360)


def speech_plan(options: str, train: str = "", adapter: str = "") -> RunPlan:
    """Step-Audio-EditX on 400 clips whose longest has 15 s, one clip at a time, blocks recomputed."""
    settings = f"{{batch_size: 1, accumulation: 8, gradient_checkpointing: true{train}}}"
    text = f"name: a\nmodel: {{path: {REPOSITORY}}}\noptions: {{{options}}}\ntrain: {settings}\n{adapter}"
    recipe = load_text(text).recipe
    known = card_for_planning(recipe)
    assert known is not None
    return estimate(recipe, known[0], SPOKEN)


def gigabytes(of: RunPlan) -> float:
    return sum(memory(of).values()) / 1e9


@pytest.mark.parametrize(
    ("options", "limit"),
    [
        ("train: llm", 12),
        ("train: both", 12),
        ("train: llm, base_weights: int8", 8),
        ("train: llm, base_weights: nf4", 8),
        ("train: both, base_weights: nf4", 8),
    ],
)
def test_speech_fits_the_memory_that_is_promised(options: str, limit: float) -> None:
    assert gigabytes(speech_plan(options)) < limit


def test_a_packed_base_saves_what_its_matrices_took() -> None:
    """3.07 of 3.53 G parameters lie in the LLM's layers; the flow's 0.15 G stay as they are."""
    full, int8, nf4 = (memory(speech_plan(f"base_weights: {kind}"))["weights"] for kind in ("full", "int8", "nf4"))
    assert full == 2 * (3_529_706_496 + 153_754_096)
    assert (full - int8) / 1e9 == pytest.approx(3.07, rel=0.01)
    assert (full - nf4) / 1e9 == pytest.approx(4.56, rel=0.01)


def test_a_network_that_is_trained_itself_counts_in_full() -> None:
    lora, decoder = 3_276_800, 114_555_472
    assert speech_plan("train: llm").adapter_parameters == lora
    assert speech_plan("train: flow").adapter_parameters == decoder
    both = speech_plan("train: both", ", ema_decay: 0, use_weights: raw")
    assert both.adapter_parameters == lora + decoder
    assert memory(both)["adapter and optimizer"] == 16 * (lora + decoder)
    assert memory(speech_plan("train: both"))["adapter and optimizer"] == 20 * (lora + decoder), "with the average"
    light = speech_plan("train: flow", adapter="adapter: {networks: {flow: {kind: lora, rank: 16}}}")
    assert light.adapter_parameters == 16 * 16 * (4 * 1024 + 2 * 2560)


def test_ids_of_prompt_and_text_count_beside_those_of_the_target() -> None:
    """15 s of prompt and target: 1,250 audio ids and their texts; logits of the target's 625 alone."""
    kept = memory(speech_plan("train: llm"))["activations"]
    layers, logits = 32 * 2 * 3072 * 1400, 628 * 74_752 * 12
    assert kept == pytest.approx(layers + logits, rel=0.02)
    whole = load_text(f"{{name: a, model: {{path: {REPOSITORY}}}, options: {{train: llm}}, train: {{batch_size: 1}}}}")
    card, _ = card_for_planning(whole.recipe)  # type: ignore[misc]
    all_blocks = memory(estimate(whole.recipe, card, SPOKEN))["activations"]
    assert all_blocks == pytest.approx(32 * 3072 * 1400 * LLM_SAVED_BYTES + logits, rel=0.02)


def test_updates_are_those_of_the_stages_that_train() -> None:
    """360 clips to train on, eight an update: 25 passes of either network, and 5 of both together."""
    assert speech_plan("train: llm").updates == speech_plan("train: flow").updates == 25 * 45
    assert speech_plan("train: both").updates == 55 * 45
    seconds = {
        train: speech_plan(f"train: {train}").devices[0].seconds["training"] for train in ("llm", "flow", "both")
    }
    assert seconds["both"] == pytest.approx(30 / 25 * (seconds["llm"] + seconds["flow"]), rel=0.02)
    assert seconds["llm"] > 5 * seconds["flow"]


def test_the_cache_of_a_run_without_the_flow_is_smaller() -> None:
    assert speech_plan("train: llm").disk["cache"] < 0.7 * speech_plan("train: both").disk["cache"]


def test_sounds_at_further_strengths_are_counted_and_cost_no_prompts() -> None:
    """Three prompts at two strengths are planned for; a short run hears fewer of them, and compares on as many."""
    text = "train: {updates: 100, batch_size: 1, accumulation: 1}\nevaluate: {strength_prompts: %d}\n"
    with_them, without = (plan(text=text % count) for count in (3, 0))
    for more, less in zip(with_them.devices, without.devices, strict=True):
        assert 1.1 < more.seconds["evaluate"] / less.seconds["evaluate"] < 1.6
    assert with_them.disk["audio"] - without.disk["audio"] == pytest.approx(6 * 10 * 32000 * 2)
    card = published_card("facebook/musicgen-small")
    assert card is not None
    work = work_of(load_text(text % 3).recipe, card, clips(10.0, train=8, valid=2))
    bounded, said = outputs_within(work, (), "GPU")
    plain, _ = outputs_within(work_of(load_text(text % 0).recipe, card, work.clips), (), "GPU")
    assert bounded.evaluate.strength_prompts == 1 and "1 prompts at further strengths" in str(said["evaluate"])
    assert (bounded.evaluate.count, bounded.evaluate.seconds) == (plain.evaluate.count, plain.evaluate.seconds)
    kept, _ = outputs_within(work, ("evaluate.strength_prompts",), "GPU")
    assert kept.evaluate.strength_prompts == 3
