"""Which kinds of dirty clips ``tunesmith check`` finds, and what it says of clean ones.

Clean clips (game music and recorded prompts from Debian packages, synthesised sentences and beats) are fetched and made
at run time and kept in ``--cache``; without a network, clips that ship with the project stand in. The check runs by
the command line over a folder for each kind, and over folders of clean clips only. Limits were fitted on the half
``fit`` of the sources; the table is of the half ``report``.

    python benchmarks/dirty_data.py                     # every kind, the half that no limit was fitted on
    python benchmarks/dirty_data.py --only hum          # kinds whose name holds a word
    python benchmarks/dirty_data.py --material speech read
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dirty_data_cases import kinds, material
from dirty_data_cases.kinds import Kind
from dirty_data_cases.material import Clip
from recording import measured, write_results
from tunesmith.files import read_json, write_text

DIRTY, CLEAN, TRIALS = 8, 6, 3
SETS = {
    "music": material.music,
    "tempo": lambda _: material.beats(),
    "speech": material.speech,
    "prompts": material.prompts,
    "read": material.read_aloud,
}
SPEAKS = ("speech", "read")
RECALL, FALSE_ALARMS = 0.95, 0.02
NOT_FAULTS = frozenset({"fade_out", "too_short", "identical_channels", "sample_rate", "missing_text", "dc_offset"})
"""True of clean material: endings that fade, short prompts, mono packages, no text, synthesisers with an offset."""
TRUE_OF = {"read": frozenset({"upsampled"})}
"""True of one material: recordings for a telephone at a higher rate."""


def main() -> None:
    """Plant, check, count, print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=material.HALVES, default="report")
    parser.add_argument("--only", default="", help="kinds whose name holds this")
    parser.add_argument("--material", nargs="+", choices=SETS, default=SETS, help="what to plant in and to listen to")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "tunesmith-benchmarks")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    chosen = {
        name: [clip for clip in SETS[name](options.cache) if clip.half == options.half] for name in options.material
    }
    work = options.cache / "dirty_data"
    recall, misses = {}, {}
    for number, kind in enumerate((*kinds.MUSIC, *kinds.SPEECH)):
        if options.only in kind.name and chosen.get(kind.material):
            able = [clip for clip in chosen[kind.material] if clip.rate >= kind.lowest_rate]
            recall[kind], misses[kind] = _recall(kind, number, able, work)
            print(_row(kind, *recall[kind], misses[kind]), flush=True)
    alarms, counts = _false_alarms(chosen, work)
    _print_alarms(alarms, counts)
    measured(
        recall={kind.name: {"found": found, "of": of} for kind, (found, of) in recall.items()},
        weak=[kind.name for kind in recall if kind.weak],
        false_alarms={check: dict(by) for check, by in alarms.items()},
        clean_clips=counts,
    )
    write_results(__file__)


def _recall(kind: Kind, number: int, clips: Sequence[Clip], work: Path) -> tuple[tuple[int, int], list[str]]:
    """How many planted clips (or folders) are found, of how many, and what is said of the others."""
    rng = np.random.default_rng(number)
    if kind.whole_set:
        orders = [list(rng.permutation(len(clips))[: kind.whole_set]) for _ in range(TRIALS)]
        results = [_trial(kind, order, [], clips, work, rng) for order in orders]
        found = sum(any(clip == "*" for _, clip in each[0]) for each in results)
        return (found, TRIALS), []
    planted, said = 0, []
    for _ in range(2 if kind.material in SPEAKS else 1):
        order = list(rng.permutation(len(clips)))
        count = DIRTY // 2 if kind.material in SPEAKS else DIRTY  # a speaker's pace and voice are those of most clips
        hits, names, others = _trial(kind, order[:count], order[count : count + 2 * CLEAN], clips, work, rng)
        hit = {clip for _, clip in hits}
        missed = [name for name in names if name not in hit and "*" not in hit]
        planted += len(names)
        said += [f"{name}: {', '.join(sorted(others[name])) or 'nothing'}" for name in missed]
    return (planted - len(said), planted), said


def _trial(
    kind: Kind, dirty: list[int], clean: list[int], clips: Sequence[Clip], work: Path, rng: np.random.Generator
) -> tuple[list[tuple[str, str]], list[str], dict[str, set[str]]]:
    """One folder: findings of the kind's checks, names of the dirty clips, and the other checks that spoke of each."""
    folder = work / "clips"
    kinds.remove(folder)
    names = []
    for number, index in enumerate(dirty):
        clip = clips[index]
        stem = f"d{number}_{clip.name}"
        far = index + len(clips) // 2  # neighbours by name are much alike
        other = next(each for each in (*clips[far:], *clips) if each.source != clip.source)
        kind.plant(folder / f"{stem}.wav", clip, other, rng)
        names.append(stem)
    for index in clean:
        clip = clips[index]
        kinds.write(folder / f"c_{clip.name}.wav", clip.audio, clip.rate, kinds.caption(clip))
    findings = check(folder, work, speech=kind.material in SPEAKS)
    hits = [(name, clip) for name, clip, level in findings if name in kind.checks and (level != "info" or clip != "*")]
    others: dict[str, set[str]] = defaultdict(set)
    for name, clip, _ in findings:
        others[clip].add(name)
    return hits, names, others


def check(folder: Path, work: Path, *, speech: bool) -> list[tuple[str, str, str]]:
    """Run ``tunesmith check`` on a folder: the check, the clip's stem and the level of every finding."""
    recipe = work / "recipe.yaml"
    family = "step_audio" if speech else "musicgen"
    write_text(recipe, f"name: dirty\nmodel: {{family: {family}}}\ndata: {{folder: {folder}}}\n")
    kinds.remove(work / "runs")
    command = [sys.executable, "-m", "tunesmith", "check", str(recipe), "--force"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)
    path = work / "runs" / "dirty" / "data" / "findings.json"
    if not path.exists():
        raise SystemExit(f"the check did not end as it should:\n{done.stdout}\n{done.stderr}")
    return [
        (f["check"], Path(f["clip"]).stem if f["clip"] != "*" else "*", f["level"]) for f in read_json(path)["findings"]
    ]


def _false_alarms(sets: dict[str, list[Clip]], work: Path) -> tuple[dict[str, Counter[str]], dict[str, int]]:
    """Clean clips that each check speaks of, by material."""
    alarms: dict[str, Counter[str]] = defaultdict(Counter)
    for name, clips in sets.items():
        folder = work / "clips"
        kinds.remove(folder)
        for clip in clips:
            kinds.write(folder / f"{clip.name}.wav", clip.audio, clip.rate, kinds.caption(clip))
        if clips:
            for rule, clip, level in check(folder, work, speech=name in SPEAKS):
                if level != "info" and rule not in NOT_FAULTS | TRUE_OF.get(name, frozenset()):
                    alarms[rule][name] += 1
                    print(f"  clean {name}: {rule}: {clip}")
    return alarms, {name: len(clips) for name, clips in sets.items()}


def _row(kind: Kind, found: int, of: int, missed: Sequence[str]) -> str:
    share = found / of
    verdict = "weak grade" if kind.weak else "ok" if share >= RECALL else "UNDER 95 %"
    details = "".join(f"\n      missed {each}" for each in missed)
    return f"{kind.name:36s} {found:3d}/{of:<3d} {share:5.0%}  {verdict}{details}"


def _print_alarms(alarms: dict[str, Counter[str]], counts: dict[str, int]) -> None:
    total = sum(counts.values())
    print(f"\nfalse alarms on {total} clean clips ({', '.join(f'{n} {name}' for name, n in counts.items())})")
    for rule, by in sorted(alarms.items(), key=lambda each: -each[1].total()):
        share = by.total() / total
        where = ", ".join(f"{count} {name}" for name, count in by.items())
        print(f"{rule:24s} {by.total():3d} {share:6.1%}  {'ok' if share <= FALSE_ALARMS else 'OVER 2 %'}  ({where})")


if __name__ == "__main__":
    main()
