"""Before the first update: the gates, and lines that announce what is about to happen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tunesmith.data.sample import Sample
from tunesmith.recipe.advice import LEARNING_RATE, rate_advice
from tunesmith.records.metrics import GateLine
from tunesmith.run.attempts import has_weights
from tunesmith.run.device import cpu_has_bf16
from tunesmith.run.folder import RunFolder
from tunesmith.texts import in_turn, msg
from tunesmith.training.gate_stop import GateStopError
from tunesmith.training.gates import GateResult, run_gates
from tunesmith.training.phases import peak_rates, shown_rates
from tunesmith.training.state import TrainState
from tunesmith.training.trackers import Tracker

if TYPE_CHECKING:
    from tunesmith.training.run_state import RunState


def pass_gates(state: TrainState, samples: Sequence[Sample], folder: RunFolder) -> list[GateResult]:
    """Run the gates; one that stops ends the run before it costs anything, an earlier run's results included.

    Raises:
        GateStopError: when a gate stops the run.
    """
    results = run_gates(state, samples)
    stopped = [gate for gate in results if gate.status == "stop"]
    if stopped:
        if not has_weights(folder):
            tracker = Tracker(folder, active=state.accelerator.is_main_process)
            for gate in results:
                tracker.write(GateLine(update=0, **vars(gate)))
        raise GateStopError(
            in_turn([msg("gate {name}: {message}", name=gate.name, message=gate.message) for gate in stopped]),
            [gate.name for gate in stopped],
        )
    return results


def announce(run: RunState) -> None:
    """Print and log what will happen."""
    state, console = run.state, run.context.console
    trained = sum(p.numel() for p in state.parameters.values())
    console.log(
        msg(
            "{updates} updates of {clips} clips ({passes:.1f} passes over the clips), {trained:.2f} M trained "
            "parameters, peak learning rate {rate}, warm-up {warmup}, {precision} on {device}",
            updates=state.updates,
            clips=state.schedule.per_update,
            passes=state.updates / state.schedule.per_epoch,
            trained=trained / 1e6,
            rate=shown_rates(peak_rates(state.stages, state.settings, run.context.recipe.adapter)),
            warmup=state.stages[0].warmup.updates,
            precision=state.precision,
            device=str(state.accelerator.device),
        )
    )
    if mix := state.schedule.mix:
        console.log(mix.line())
    adapter = run.context.recipe.adapter
    for warning in state.family.adapters.warnings(adapter.targets or (), adapter.kind):
        console.warn(warning)
    if LEARNING_RATE not in run.context.advised:
        for warning in rate_advice(run.context.recipe):
            console.warn(warning)
    for stage in state.stages:
        if len(state.stages) > 1:
            console.log(
                msg(
                    "stage {stage}: {updates} updates of {networks}, warm-up {warmup}",
                    stage=stage.name,
                    updates=stage.updates,
                    networks=stage.networks,
                    warmup=stage.warmup.updates,
                )
            )
        if stage.warmup.cut:
            cut = msg(
                "warm-up cut from {asked} to {done} updates (a tenth of {updates})",
                asked=stage.warmup.asked,
                done=stage.warmup.updates,
                updates=stage.updates,
            )
            run.warn("warmup_cut", cut)
    log_precision(run)


def log_precision(run: RunState) -> None:
    """Say once what `auto` tried, that another precision is used than was asked for, or that this CPU is slow in it."""
    wanted, used, device = run.context.recipe.model.precision, run.state.precision, run.state.accelerator.device
    if device.type == "cpu" and used == "bf16" and not cpu_has_bf16():
        run.warn(
            "precision",
            msg(
                "this CPU has neither AMX nor AVX512-BF16: bf16 is many times slower on it than fp32 "
                "(model.precision: fp32 or auto)"
            ),
        )
    if trial := run.state.trial:
        run.log(
            "precision",
            msg(
                "one clip through one block takes {fp32:.0f} ms in fp32 and {bf16:.0f} ms in bf16: training computes "
                "in {taken}",
                fp32=1000 * trial.fp32,
                bf16=1000 * trial.bf16,
                taken=trial.taken,
            ),
        )
    if wanted == used or wanted not in ("fp16", "bf16"):
        return
    gpu = device.type == "cuda"
    if not gpu:
        reason = msg("on {device} it would only be slower", device=str(device))
    elif used == "bf16":
        reason = msg("this GPU has bf16, which needs no loss scaling")
    else:
        reason = msg("this GPU has no bf16")
    run.log(
        "precision", msg("{wanted} was asked for and {used} is used: {reason}", wanted=wanted, used=used, reason=reason)
    )
