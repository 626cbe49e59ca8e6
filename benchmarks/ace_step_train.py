"""Steps per second of an ACE-Step training update: Tunesmith against upstream's own trainer, and against itself.

The transformer has fewer layers and less width (``--layers 8 --width 1024``); the lyric encoder and all frozen parts
have their real sizes, with random weights, and the clips are random. Rank 256 on upstream's own targets, one clip per
update. With ``--upstream PATH`` (a checkout; see ``ace_step_upstream.py``) its trainer's step runs beside ours.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import protocol
from recording import measured, write_results

UPSTREAM = "ACE-Step's own trainer"
LADDER = {
    "the same work in Tunesmith": {"online": True, "ssl": True, "checkpointing": True},
    "+ frozen parts cached": {"ssl": True, "checkpointing": True},
    "+ no projection losses": {"checkpointing": True},
    "+ no checkpointing": {},
}
"""Each line leaves one thing more out; the last is Tunesmith's default."""
DEFAULT = "+ no checkpointing"
ONLINE = "the last, codec and text encoder in the step"
MEMORY = {UPSTREAM: None, "Tunesmith": False, "Tunesmith, checkpointing": True}
"""Arms whose memory is measured: whether ours recomputes."""
MIB = 2**20


class Arms:
    """Updates by name, over one checkpoint and one network of ours.

    Args:
        options: The command line.
        folder: Where :func:`prepare` wrote.
    """

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        import torch

        from ace_step_arms import UPSTREAM_ADAPTER, Online, Work, our_bench, synthetic_family
        from tunesmith.families.ace_step.settings import AceStepSettings

        torch.set_num_threads(1)
        work = Work(1, options.seconds, options.lyric_tokens)
        projecting = synthetic_family(str(folder / "model"), AceStepSettings(ssl="on"))
        self.ssl = our_bench(projecting, work, folder / "run", adapter=UPSTREAM_ADAPTER)
        self.plain = dataclasses.replace(self.ssl, family=synthetic_family(str(folder / "model")))
        self.ssl_models = (str(folder / "mert"), str(folder / "m-hubert"))
        self._online = partial(Online, folder=folder / "model", seconds=options.seconds)
        self._parts: Any = None

    def ours(self, *, online: bool = False, ssl: bool = False, checkpointing: bool = False) -> Callable[[], object]:
        """One update of ours."""
        from ace_step_arms import set_checkpointing
        from tunesmith.training.loop import train_update

        state = self.ssl if ssl else self.plain
        step = self._encoding(ssl).update if online else partial(train_update, state)

        def update() -> object:
            set_checkpointing(state, checkpointing)
            return step()

        return update

    def _encoding(self, ssl: bool) -> Any:
        arm = self._online(self.ssl if ssl else self.plain, ssl=self.ssl_models if ssl else None)
        if self._parts is None:
            self._parts = arm
        arm.codec, arm.text = self._parts.codec, self._parts.text  # the same frozen parts, in memory once
        return arm


def upstream_step(options: argparse.Namespace, folder: Path) -> Any:
    """Upstream's trainer over the checkpoint in ``folder``."""
    from ace_step_arms import make_audio
    from ace_step_upstream import UpstreamStep, upstream_batch

    batch = upstream_batch(make_audio(options.seconds), options.lyric_tokens)
    ssl = (str(folder / "mert"), str(folder / "m-hubert"))
    return UpstreamStep(Path(options.upstream), folder / "model", ssl, batch)


def prepare(options: argparse.Namespace, folder: Path) -> None:
    """Write the checkpoint and the two compared models."""
    from ace_step_models import checkpoint_config, transformer_config, write_checkpoint, write_ssl_models

    write_checkpoint(folder / "model", checkpoint_config(transformer_config(options.layers, options.width)))
    write_ssl_models(folder)


def ladder(options: argparse.Namespace, folder: Path) -> None:
    """Upstream's step, then ours with one thing less at a time."""
    arms = Arms(options, folder)
    made: dict[str, Callable[[], object]] = {name: arms.ours(**settings) for name, settings in LADDER.items()}
    made[ONLINE] = arms.ours(online=True)
    theirs = upstream_step(options, folder) if options.upstream else None
    if theirs is not None:
        made = {UPSTREAM: theirs.update, **made}
    with protocol.probed():
        times = protocol.interleave(made, options.rounds)
    fastest, before = protocol.best(times), None
    for name in made:
        factor = "" if before is None or name == ONLINE else f"  × {before / fastest[name]:.2f}"
        varied = protocol.spread(times[name])
        print(f"  {name:46s} {fastest[name]:7.2f} CPU-s  cv {varied:.1%}{factor}", flush=True)
        before = fastest[name]
    print(f"  cached against encoding in the step: {fastest[ONLINE] / fastest[DEFAULT]:.2f}")
    print(f"  without checkpointing against with it: {fastest['+ no projection losses'] / fastest[DEFAULT]:.2f}")
    if theirs is not None:
        ratio = fastest[UPSTREAM] / fastest[DEFAULT]
        print(protocol.ratio_line("steps per second over upstream's", ratio, 4.0))
        measured(ratio=ratio)
        shares(theirs)
    names = [name for name in made if name != ONLINE]
    measured(cpu_s=fastest, gain={name: fastest[before] / fastest[name] for before, name in pairwise(names)})
    flop_share(options, made[DEFAULT], fastest[DEFAULT])


def shares(theirs: Any) -> None:
    """Where the processor seconds of one step of upstream's go."""
    spent = theirs.spent()
    whole = sum(spent.values())
    print("  upstream's step: " + ", ".join(f"{name} {seconds / whole:.0%}" for name, seconds in spent.items()))


def flop_share(options: argparse.Namespace, update: Callable[[], object], seconds: float) -> None:
    """Our update's FLOP/s over what this run's GEMM reaches at the shapes of the blocks' layers."""
    from ace_step_arms import Work
    from ace_step_flops import counted

    flops, rows, width = counted(update), Work(1, options.seconds).frames, options.width
    shapes = {(width, width): 8.0, (width, 5 * width): 5.0, (5 * width // 2, width): 2.5}
    time = sum(share / protocol.gemm_rate(rows, inner, out) for (inner, out), share in shapes.items())
    peak, reached = sum(shapes.values()) / time, flops / seconds
    print(f"  {flops / 1e9:.0f} GFLOP per update; GEMM at these shapes {peak / 1e9:.1f} GFLOP/s")
    print(protocol.ratio_line(f"{reached / 1e9:.1f} GFLOP/s over it", reached / peak, 0.6))
    measured(flop_share=reached / peak)


def memory(options: argparse.Namespace, folder: Path) -> None:
    """Peak resident memory of a process that makes two updates."""
    peaks = {}
    for name in MEMORY:
        if name == UPSTREAM and not options.upstream:
            continue
        arguments = ["--layers", options.layers, "--width", options.width, "--seconds", options.seconds]
        arguments += ["--lyric-tokens", options.lyric_tokens, "--folder", folder, "--child", name]
        arguments += ["--upstream", options.upstream] if options.upstream else []
        command = [sys.executable, __file__, *map(str, arguments)]
        line = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1]
        before, peaks[name] = json.loads(line)
        print(f"  {name:28s} peak {peaks[name] / MIB:6.0f} MiB, {(peaks[name] - before) / MIB:6.0f} MiB of it in steps")
    measured(peak_mib={name: peak / MIB for name, peak in peaks.items()})
    if UPSTREAM in peaks:
        print(protocol.ratio_line("peak memory there over here", peaks[UPSTREAM] / peaks["Tunesmith"], 1.0))


def child(options: argparse.Namespace, folder: Path) -> None:
    """The process that :func:`memory` starts."""
    import torch

    from ace_step_arms import UPSTREAM_ADAPTER, Work, our_bench, synthetic_family
    from tunesmith.training.loop import train_update

    torch.set_num_threads(1)
    if options.child == UPSTREAM:
        update = upstream_step(options, folder).update
    else:
        work = Work(1, options.seconds, options.lyric_tokens)
        family, recompute = synthetic_family(str(folder / "model")), MEMORY[options.child]
        state = our_bench(
            family, work, folder / options.child, adapter=UPSTREAM_ADAPTER, gradient_checkpointing=recompute
        )
        update = partial(train_update, state)
    before = protocol.peak_bytes()
    update()
    update()
    print(json.dumps([before, protocol.peak_bytes()]))


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--lyric-tokens", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--upstream", help="a checkout of github.com/ace-step/ACE-Step")
    parser.add_argument("--only", choices=["ladder", "memory"])
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options, Path(options.folder))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(options, folder)
        for part, measure in {"ladder": ladder, "memory": memory}.items():
            if options.only in (None, part):
                print(f"{part}:", flush=True)
                measure(options, folder)
    write_results(__file__)


if __name__ == "__main__":
    main()
