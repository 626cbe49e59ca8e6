"""The peak of two updates at full size against what the planner says, with and without checkpointing."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from gpu_parts.bench import free, outside_bytes, peak_bytes, wait, work_folder, workbench
from gpu_parts.cases import HUB, MUSIC, SONG, SPEECH, Case, Place, seconds_of_ids
from gpu_parts.steps import Figures, Step
from tunesmith.families.ace_step.published import published_card as song_card
from tunesmith.families.contract import Family, ModelCard
from tunesmith.families.musicgen.published import published_card as music_card
from tunesmith.families.step_audio.published import published_card as speech_card
from tunesmith.planning.clips import PlannedClips
from tunesmith.planning.planner import estimate
from tunesmith.records.plan import DevicePlan
from tunesmith.training.loop import train_update
from tunesmith.training.state import TrainState

GIB = 2**30
AIM = 0.1
"""The planner is to be within so much of what is measured."""
SPEECH_IDS = 1500
DRY_SECONDS = 1.2
WORK: tuple[tuple[Case, str, float, int], ...] = (
    (SONG, "60 s", 60.0, 1),
    (SPEECH, "1.5k ids", seconds_of_ids(SPEECH_IDS), 1),
    (MUSIC, "4 × 30 s", 30.0, 4),
    (SONG, "240 s", 240.0, 1),
)
"""What trains, in words, seconds of a clip, clips of the only micro-batch."""


def memory(place: Place) -> list[Step]:
    """Two steps for each size: without checkpointing, as it is by default, and with."""
    return [
        Step(
            f"{case.name}, {words}, checkpointing {'on' if on else 'off'}",
            12.0,
            partial(peak, case, seconds, clips, on, place),
        )
        for case, words, seconds, clips in WORK
        for on in (False, True)
    ]


def full_bench(case: Case, seconds: float, clips: int, place: Place, **train: Any) -> TrainState:
    """A workbench at full size in what a GPU trains in, its weights drawn there in bf16."""
    family = case.open("full", place, device=place.device, dtype=torch.bfloat16)
    # Clips alike but for their names: drawing noise for hours of them would take longer than training on it.
    items = [case.item(family, DRY_SECONDS if place.dry else seconds, 0)] * clips
    folder, precision = work_folder(place, case.name, "full"), "auto" if place.device == "cuda" else "fp32"
    return workbench(case, family, items, folder, device=place.device, precision=precision, **train)


def card_of(case: Case, family: Family, place: Place) -> ModelCard:
    """The published card, or the pocket model's own."""
    if place.dry:
        return family.card.facts()
    settings, path = family.settings, HUB[case.kind.name]
    found = {
        MUSIC.name: lambda: music_card(path),
        SONG.name: lambda: song_card(path, settings),
        SPEECH.name: lambda: speech_card(path, settings, family.networks.phases()),
    }[case.name]()
    assert found is not None
    return found


def planned(state: TrainState, case: Case, seconds: float, clips: int, place: Place) -> DevicePlan:
    """What the planner says of the very run."""
    lengths = (DRY_SECONDS if place.dry else seconds,) * clips
    data = state.recipe.data.model_copy(update={"max_seconds": max(state.recipe.data.max_seconds, *lengths)})
    device = state.recipe.model.model_copy(update={"device": place.device, "precision": state.precision})
    recipe = state.recipe.model_copy(update={"data": data, "model": device})
    plan = estimate(
        recipe,
        card_of(case, state.family, place),
        PlannedClips(lengths, (), clips),
        phases=state.family.networks.phases(),
    )
    return plan.devices[0]


def peak(case: Case, seconds: float, clips: int, checkpointing: bool, place: Place) -> Figures:
    """Peak bytes of two updates, the planner's, and the losses."""
    free(place.device)
    outside = outside_bytes(place.device)
    state = full_bench(case, seconds, clips, place, gradient_checkpointing=checkpointing)
    free(place.device)
    losses = []
    for _ in range(2):
        losses.append(train_update(state).measured.loss)
        state.progress.update += 1
    wait(place.device)
    plan = planned(state, case, seconds, clips, place)
    measured = peak_bytes(place.device) + max(outside, outside_bytes(place.device))
    return {
        "measured_gib": measured / GIB,
        "tensors_gib": peak_bytes(place.device) / GIB,
        "reserved_gib": torch.cuda.max_memory_reserved() / GIB if place.device == "cuda" else 0.0,
        "planned_gib": plan.memory_bytes / GIB,
        "planned_parts_gib": {part: value / GIB for part, value in plan.memory.items()},
        "ratio": plan.memory_bytes / measured,
        "losses": losses,
        "ok": abs(plan.memory_bytes / measured - 1) <= AIM,
    }
