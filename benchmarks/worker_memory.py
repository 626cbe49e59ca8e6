"""Private memory of a data worker after random reads, with 1e4 and with 1e6 clips in the cache.

Private and anonymous pages are counted, not the resident set: pages of a mapped file are the system's to take back.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
from pathlib import Path

import numpy as np

import protocol
from recording import measured, write_results

ITEM = 8
"""Bytes per clip; only the number of clips matters here."""


def build(folder: Path, count: int) -> None:
    """Write a one-field store of ``count`` tiny clips by the store's own format, without a million calls."""
    from tunesmith.data.cache import COLUMNS, HIGH, LOW, NDIM, OFFSET, SHAPE
    from tunesmith.files import sync

    field = folder / "codes"
    field.mkdir(parents=True)
    rng = np.random.default_rng(0)
    rng.integers(0, 2048, (count, ITEM // 2)).astype("<u2").tofile(field / "shard-00000.bin")
    index = np.zeros((count, COLUMNS), np.uint64, order="F")
    index[:, HIGH] = np.sort(rng.integers(0, 2**63, count, dtype=np.uint64))
    index[:, LOW] = rng.integers(0, 2**63, count, dtype=np.uint64)
    index[:, NDIM], index[:, OFFSET] = 2, np.arange(count) * ITEM
    index[:, SHAPE], index[:, SHAPE + 1] = 1, ITEM // 2
    np.save(field / "index.npy", index)
    for file in field.iterdir():  # the store does so too; unwritten pages would count as somebody's dirty memory
        sync(file)


def private_bytes() -> dict[str, int]:
    """This process's private and anonymous memory, from the kernel's own account."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    found = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines[1:]}
    return {name: found[name] for name in ("Private_Dirty", "Pss_Anon")}


def worker(folder: str, reads: int, answer: str) -> None:
    """Open the store by itself, look clips up by key and read them; write down what memory that took."""
    from tunesmith.data.cache import EncodedStore
    from tunesmith.data.fields import FieldSpec

    before = private_bytes()
    store = EncodedStore(Path(folder), (FieldSpec("codes", "<u2", time_axis=1, rate=50.0),)).fields["codes"]
    rng, total = np.random.default_rng(1), 0
    for row in rng.integers(0, len(store), reads):
        key = f"{int(store.index[row, 0]):016x}{int(store.index[row, 1]):016x}"
        total += int(store.read(store.row(key)).sum())
    after = private_bytes()
    Path(answer).write_text(json.dumps({"before": before, "after": after, "sum": total}))


def measure(count: int, reads: int, workers: int) -> dict[str, float]:
    """Mean MiB per worker that the store took, by kind of memory, and the process's whole."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as name:
        build(Path(name) / "store", count)
        answers = [Path(name) / f"{i}.json" for i in range(workers)]
        running = [context.Process(target=worker, args=(f"{name}/store", reads, str(a))) for a in answers]
        for process in running:
            process.start()
        for process in running:
            process.join()
        found = [json.loads(answer.read_text()) for answer in answers]
    kinds = found[0]["after"]
    means = {k: float(np.mean([f["after"][k] for f in found])) / 2**20 for k in kinds}
    return means | {"growth": float(np.mean([f["after"]["Pss_Anon"] - f["before"]["Pss_Anon"] for f in found])) / 2**20}


def main() -> None:
    """Measure both sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reads", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--sizes", type=int, nargs=2, default=[10_000, 1_000_000])
    options = parser.parse_args()
    found = {}
    for count in options.sizes:
        found[count] = measure(count, options.reads, options.workers)
        f = found[count]
        whole = f"private dirty {f['Private_Dirty']:.1f} MiB, anonymous {f['Pss_Anon']:.1f} MiB"
        print(f"  {count:9d} clips: {whole} per worker ({f['growth']:.1f} MiB of it by opening and reading)")
    few, many = (found[count] for count in options.sizes)
    worst = max(many[kind] - few[kind] for kind in ("Private_Dirty", "Pss_Anon"))
    print(protocol.ratio_line("growth in MiB from the smaller to the larger", worst, 10, at_least=False))
    measured(growth_mib=worst, workers={str(count): figures for count, figures in found.items()})
    write_results(__file__)


if __name__ == "__main__":
    main()
