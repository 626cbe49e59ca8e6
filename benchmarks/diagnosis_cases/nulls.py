"""Runs in which nothing happened: base, adapter and own clips are clean clips of one kind, drawn by chance."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from diagnosis_cases.judged import Judged
from tunesmith.evaluation.diagnosis import diagnose_run
from tunesmith.evaluation.signals import Signals
from tunesmith.records.run_finding import RunFinding

SIZES = (6, 8, 12, 16)
OWN_CLIPS = 12


def null_shares(clean: Sequence[Judged], runs: int, bar: float) -> dict[str, float]:
    """In how many of these runs something is called worse or better.

    Args:
        clean: Clean clips, measured.
        runs: How many, a quarter of each number of prompts.
        bar: The most that may be.

    Returns:
        The share by number of prompts and over all, and the share of every finding.
    """
    groups = defaultdict(list)
    for each in clean:
        if not each.job.clip.ending:
            groups[each.job.clip.kind].append(each)
    rng, called, shares = np.random.default_rng(0), Counter[str](), {}
    spoken: Counter[int] = Counter()  # by number of prompts
    for number in range(runs):
        size = SIZES[number % len(SIZES)]
        names = [name for name, clips in groups.items() if len(clips) >= 2 * size]
        findings = _run(groups[names[number // len(SIZES) % len(names)]], size, rng)
        called.update({f"{finding.name} {finding.kind}" for finding in findings})
        spoken[size] += any(finding.kind != "broken" for finding in findings)
    each_size = runs / len(SIZES)
    for size in SIZES:
        shares[f"{size} prompts"] = spoken[size] / each_size
    shares["all"] = spoken.total() / runs
    print(f"\nRuns without a change called worse or better: {shares['all']:.1%} of {runs} (bar {bar:.0%})")
    for size in SIZES:
        print(f"  {size} prompts: {shares[f'{size} prompts']:.1%}")
    for name, count in called.most_common():
        shares[name] = count / runs
        print(f"  {name}: {count}")
    return shares


def _run(several: Sequence[Judged], size: int, rng: np.random.Generator) -> list[RunFinding]:
    drawn: list[Signals] = [several[i].signals for i in rng.permutation(len(several))]
    base, adapter = drawn[:size], drawn[size : 2 * size]
    own = [several[i].signals for i in rng.permutation(len(several))[:OWN_CLIPS]]
    found = diagnose_run(base, adapter, own, profile=several[0].job.clip.profile)
    return [finding for finding in found if finding.kind in {"worse", "better", "broken"}]
