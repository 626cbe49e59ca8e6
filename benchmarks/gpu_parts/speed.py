"""Full-size updates at budgets of 2k, 8k and 16k tokens: time, tokens/s, MFU, and the time over its floor.

Reading and collating the clips, on the CPU, is in the time; ``collate_ms`` says how much of it that is.

A token is a frame of MusicGen's (50 a second) and ACE-Step's (10.8), an id of EditX's LLM (one second of speech with a
prompt as long is 91).
"""

from __future__ import annotations

from functools import partial

from gpu_parts.bench import free, gemm_rate, peak_bytes, timed
from gpu_parts.cases import CAPTION_TOKENS, MUSIC, SONG, SPEECH, Case, Place, seconds_of_ids
from gpu_parts.floors import floor, music_forward, peak_flops, song_forward, speech_forward
from gpu_parts.memory import GIB, full_bench, planned
from gpu_parts.steps import Figures, Step
from tunesmith.training.loop import local_micro_batches, train_update
from tunesmith.training.state import TrainState

CLIPS: dict[str, tuple[float, float, int]] = {
    MUSIC.name: (10.0, 1.0, 500),
    SONG.name: (30.0, 1.0, 324),
    SPEECH.name: (seconds_of_ids(1450), 1.2, 1450),
}
"""Seconds of a clip, of one in a dry run, and tokens of it at full size."""
BUDGETS = (8_000, 2_000, 16_000)
ROUNDS = {"off": (2, 5), "regional": (4, 5)}
"""Unmeasured and measured updates."""


def speed(place: Place) -> list[Step]:
    """Every budget as it runs by default; then compiled, of the families that compile."""
    wanted = [(case, budget, "off") for budget in BUDGETS for case in (MUSIC, SONG, SPEECH)]
    wanted += [(case, budget, "regional") for case in (MUSIC, SONG) for budget in BUDGETS]
    return [
        Step(
            f"{case.name}, {budget:,} tokens, compile {mode}",
            40.0 if mode == "regional" else 12.0,
            partial(updates, case, budget, mode, place),
        )
        for case, budget, mode in wanted
    ]


def updates(case: Case, budget: int, mode: str, place: Place) -> Figures:
    """The figures of one budget."""
    seconds, dry, tokens = CLIPS[case.name]
    clips = 2 if place.dry else max(1, budget // tokens)
    free(place.device)
    rate = gemm_rate(place.device)
    state = full_bench(case, seconds, clips, place)
    if mode == "regional":
        state.family.networks.compile_blocks(state.networks)
    forward, trained = work_of(case, state)
    warm_up, rounds = (1, 1) if place.dry else ROUNDS[mode]
    free(place.device)
    took = timed(lambda: train_update(state), place.device, warm_up, rounds)
    collated = timed(lambda: local_micro_batches(state, 0), place.device, 0, rounds)
    peak, plan = peak_bytes(place.device), planned(state, case, dry if place.dry else seconds, clips, place)
    least = floor(case.name, forward, plan.memory, peak_flops(place.device, rate))
    return {
        "ms": 1e3 * took,
        "collate_ms": 1e3 * collated,
        "tokens": trained,
        "tokens_per_s": trained / took,
        "audio_s_per_s": clips * (dry if place.dry else seconds) / took,
        "mfu": least.flops / took / peak_flops(place.device, rate),
        "floor_ms": 1e3 * least.seconds,
        "launch_ms": 1e3 * least.launch,
        "over_floor": took / least.seconds,
        "gemm_tflops": rate / 1e12,
        "peak_gib": peak / GIB,
    }


def work_of(case: Case, state: TrainState) -> tuple[float, int]:
    """FLOPs of the forward pass of an update, and its tokens, from the very batch it is made of."""
    (micro,) = local_micro_batches(state, 0)
    batch, checkpoint = micro.batch, state.family.checkpoint
    if case.name == MUSIC.name:
        frames = batch["frames"]
        return sum(music_forward(checkpoint.config, n, CAPTION_TOKENS) for n in frames), sum(frames)
    if case.name == SONG.name:
        frames, conditions = batch["frames"], 1 + batch["text"].shape[1] + batch["lyric_ids"].shape[1]
        return sum(song_forward(checkpoint.config.transformer, n, conditions) for n in frames), sum(frames)
    rows, ids = batch["llm_ids"].shape
    forward = sum(speech_forward(checkpoint.configs[0], ids, targets) for targets in batch["llm_lengths"])
    return forward, rows * ids
