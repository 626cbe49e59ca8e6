"""How many planted failures the rules find, how often they speak on clean clips, and what null runs are called.

Clean clips of six kinds (game music, recorded speech, sample loops, MIDI through a soundfont, 808 beats, a speech
synthesiser) are cut or rendered into ``--cache``: Debian packages are downloaded and unpacked there (some 550 MB, never
installed), ``fluidsynth`` and ``espeak-ng`` have to be installed. Thresholds were fitted on the half ``fit`` of the
sources; the bars hold on ``fresh``, which is other games, speakers, loops, instruments and languages, and to which no
limit was fitted: the kinds of its misses are known, its numbers are not used. ``report`` is the
other half of what was fitted on, and was looked at between two fits.

    python benchmarks/diagnosis.py --nulls 300 --sets 2    # with runs in which nothing happened, and sets of outputs
    python benchmarks/diagnosis.py --half fit --keep       # go on where it was interrupted
    python benchmarks/diagnosis.py --memorised 50          # sets of outputs that repeat training clips, alone
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import protocol  # first, for it sets how many threads are used
from diagnosis_cases.judged import CLEAN, Job, Judged, judged, measured
from diagnosis_cases.material import Clip, clips
from diagnosis_cases.memorised import memorised_shares
from diagnosis_cases.nulls import null_shares
from diagnosis_cases.planted import HARMLESS, PLANTED, Planted
from diagnosis_cases.sets import set_shares
from recording import measured as record
from recording import write_results
from tunesmith.evaluation.reference_stats import FEWEST_CLIPS

__all__ = ["protocol"]

RECALL_BAR, ALARM_BAR, NULL_BAR = 0.95, 0.02, 0.05
REFERENCE_CLIPS = 12
LONG_SECONDS = 7.0


def chosen(material: Sequence[Clip], planted: Planted, most: int) -> list[Clip]:
    """Up to about ``most`` clips that the failure is done to, evenly from all kinds."""
    by_kind = defaultdict(list)
    for clip in material:
        if clip.profile in planted.profiles and not clip.ending:
            by_kind[clip.kind].append(clip)
    each = -(-most // max(1, len(by_kind)))
    return [clip for of_kind in by_kind.values() for clip in _spread(of_kind, each)]


def _spread(several: Sequence[Clip], most: int) -> list[Clip]:
    step = max(1.0, len(several) / most)
    return [several[int(i * step)] for i in range(min(most, len(several)))]


def references(material: Sequence[Clip]) -> dict[str, list[Clip]]:
    """For every clip up to twelve others as a person's own: of its group where it has enough, else of its kind."""
    found = {}
    for clip in material:
        others = [c for c in material if c.source != clip.source and c.kind == clip.kind and not c.ending]
        others = [c for c in others if (c.half == "fresh") == (clip.half == "fresh")]
        alike = [c for c in others if c.group == clip.group]
        found[clip.name] = _spread(alike if len(alike) >= FEWEST_CLIPS else others, REFERENCE_CLIPS)
    return found


def voice_of(clip: Clip, material: Sequence[Clip]) -> Clip:
    """Another clip of the same group: of speech, of the same voice."""
    return next((c for c in material if c.group == clip.group and c.source != clip.source), clip)


def share(results: Iterable[Judged], rules: Sequence[str], *, own: bool) -> float:
    """How many of these clips break one of the rules."""
    flags = [bool(set(rules) & set(each.own if own else each.fixed)) for each in results]
    return sum(flags) / max(1, len(flags))


def print_recall(results: dict[str, list[Judged]]) -> dict[str, float]:
    """Recall of every failure, and what else was said of it; a failure under its bar is marked."""
    recall, under = {}, []
    clean = results[CLEAN]
    print(f"{'planted failure':34} {'found':>7} {'of':>4}  also called")
    for planted in PLANTED:
        found = results.get(planted.name, [])
        if not found:
            continue
        recall[planted.name] = value = share(found, planted.rules, own=planted.reference)
        missed = planted.bar and value < RECALL_BAR
        under += [planted.name] if missed else []
        names = sorted({rule for each in found for rule in each.fixed} - set(planted.rules))
        extra = {name: share(found, [name], own=False) - share(clean, [name], own=False) for name in names}
        also = ", ".join(f"{name} {part:.0%}" for name, part in extra.items() if part >= 0.1)
        print(f"{planted.name:34} {value:6.1%}{'!' if missed else ' '} {len(found):4}  {also}")
    print(f"\nUnder the bar of {RECALL_BAR:.0%}: {', '.join(under) or 'none'}")
    return recall


def print_alarms(results: Sequence[Judged], title: str) -> dict[str, dict[str, float]]:
    """How many of these clips break each rule, by fixed limits and beside other clips of their kind."""
    alarms: dict[str, dict[str, float]] = {}
    print(f"\n{title} ({len(results)} clips)")
    for name in sorted({rule for each in results for rule in (*each.fixed, *each.own)}):
        fixed, own = (share(results, [name], own=known) for known in (False, True))
        alarms[name] = {"fixed": fixed, "own_clips": own}
        kinds = Counter(each.job.clip.kind for each in results if name in (*each.fixed, *each.own))
        over = "!" if max(fixed, own) > ALARM_BAR else " "
        of_kinds = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
        print(f"  {name:18} {fixed:6.1%}, with own clips {own:6.1%}{over}  {of_kinds}")
    return alarms


def print_wrong_names(results: dict[str, list[Judged]]) -> dict[str, float]:
    """How often something is called by a name that is not its own."""
    wrong = {}
    print("\nWrong names")
    for planted in HARMLESS:
        found = results.get(f"harmless {planted.name}", [])
        if found:
            wrong[planted.name] = value = share(found, planted.rules, own=planted.reference)
            over = "!" if value > ALARM_BAR else " "
            print(f"  {planted.name:34} {' or '.join(planted.rules)}: {value:.1%}{over} of {len(found)}")
    return wrong


def print_fades(results: dict[str, list[Judged]]) -> dict[str, dict[str, float]]:
    """Fades of 12 dB of music by the length of its clips: five seconds of a piece sink by themselves."""
    shares = {}
    print("\nFade of 12 dB in music, by length")
    for name, longer in (("long", True), ("short", False)):
        music = {
            failure: [
                each
                for each in results[failure]
                if each.job.clip.profile == "music" and not each.job.clip.ending
                if (each.signals.duration_s > LONG_SECONDS) == longer
            ]
            for failure in ("fade 12 dB", CLEAN)
        }
        planted, clean = music.values()
        found, called = (share(part, ["fade"], own=False) for part in (planted, clean))
        shares[name] = {"found": found, "of": len(planted), "called": called, "clean": len(clean)}
        print(f"  {name:8} found {found:.1%} of {len(planted)}, called so though clean {called:.1%} of {len(clean)}")
    return shares


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "tunesmith-benchmarks" / "diagnosis")
    parser.add_argument("--half", choices=("fit", "report", "fresh"), default="fresh")
    parser.add_argument("--per-failure", type=int, default=60)
    parser.add_argument("--only", nargs="*", default=(), help="planted failures whose names begin so")
    parser.add_argument("--nulls", type=int, default=0, help="runs without any change, a quarter of each size")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--sets", type=int, default=0, help="runs of each kind of music that copy, ignore prompts, …")
    parser.add_argument("--memorised", type=int, default=0, help="such sets of each kind of music, and nothing else")
    parser.add_argument("--keep", action="store_true", help="keep what was measured in the cache, and go on from it")
    options = parser.parse_args()
    everything = clips(options.cache)
    material = [clip for clip in everything if clip.half == options.half]
    if options.memorised:
        record(memorised=memorised_shares(options.cache, material, options.memorised))
        write_results(__file__, ["--half", options.half, "--memorised", str(options.memorised)])
        return
    own = references(everything)
    voices = {clip.name: voice_of(clip, everything) for clip in everything}
    cases = [(p.name, p) for p in PLANTED] + [(f"harmless {p.name}", p) for p in HARMLESS]
    beside = [clip for clip in everything if (clip.half == "fresh") == (options.half == "fresh")]
    jobs = [Job(options.cache, clip, CLEAN, voices[clip.name]) for clip in beside]
    jobs += [
        Job(options.cache, clip, name, voices[clip.name])
        for name, planted in cases
        if not options.only or planted.name.startswith(tuple(options.only))
        for clip in chosen(material, planted, options.per_failure)
    ]
    with ProcessPoolExecutor(options.processes) as pool:
        found = measured(jobs, pool, options.cache / f"signals_{options.half}.jsonl" if options.keep else None)
    lengths = {job.clip.name: s.duration_s for job, s in zip(jobs, found, strict=True) if job.failure == CLEAN}
    results: dict[str, list[Judged]] = defaultdict(list)
    tested = {clip.name for clip in material}
    for result in (each for each in judged(jobs, found, own, lengths) if each.job.clip.name in tested):
        results[result.job.failure].append(result)
    figures = {
        "recall": print_recall(results),
        "false_alarms": print_alarms(
            [r for r in results[CLEAN] if not r.job.clip.ending], "False alarms on clean clips"
        ),
        "on_endings": print_alarms([r for r in results[CLEAN] if r.job.clip.ending], "On the ends of tracks"),
        "wrong_names": print_wrong_names(results),
        "fades": print_fades(results),
        "clean_clips": len(results[CLEAN]),
    }
    if options.nulls:
        figures["nulls"] = null_shares(results[CLEAN], options.nulls, NULL_BAR)
    if options.sets:
        figures["sets"] = set_shares(options.cache, material, options.sets)
    record(**figures)
    write_results(__file__)


if __name__ == "__main__":
    main()
