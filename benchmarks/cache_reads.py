"""Random cropped reads: Tunesmith's packed shards against one ``.pt`` file per clip."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

import protocol
from recording import measured, write_results

TEXT_SHAPE, BOOKS = (24, 768), 4


def main() -> None:
    """Write both caches, read both in the same random order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=2000)
    parser.add_argument("--frames", type=int, default=1500)
    parser.add_argument("--crop", type=int, default=750)
    parser.add_argument("--reads", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    import torch

    from tunesmith.data.cache import EncodedStore
    from tunesmith.data.content import content_key
    from tunesmith.data.fields import FieldSpec

    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    order = rng.integers(0, options.clips, options.reads)
    starts = rng.integers(0, options.frames - options.crop + 1, options.reads)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fields = (FieldSpec("codes", "<u2", time_axis=1, rate=50.0), FieldSpec("text", "<f4"))
        store = EncodedStore(folder / "packed", fields)
        keys = [{spec.name: content_key(i, spec.name) for spec in fields} for i in range(options.clips)]
        for i in range(options.clips):
            codes = rng.integers(0, 2048, (BOOKS, options.frames)).astype(np.uint16)
            text = rng.standard_normal(TEXT_SHAPE).astype(np.float32)
            store.put(keys[i], {"codes": codes, "text": text})
            torch.save(
                {"codes": torch.from_numpy(codes.astype(np.int16)), "text": torch.from_numpy(text)}, folder / f"{i}.pt"
            )
        store.flush()
        rows = store.rows(keys)

        def packed() -> int:
            total = 0
            for clip, start in zip(order, starts, strict=True):
                codes = np.array(store.fields["codes"].read(int(rows["codes"][clip]), int(start), options.crop))
                text = np.array(store.fields["text"].read(int(rows["text"][clip])))
                total += int(codes[0, 0]) + int(text[0, 0] > 0)
            return total

        def files() -> int:
            total = 0
            for clip, start in zip(order, starts, strict=True):
                item = torch.load(folder / f"{clip}.pt", weights_only=True)
                codes = item["codes"][:, start : start + options.crop].clone()
                total += int(codes[0, 0]) + int(item["text"][0, 0] > 0)
            return total

        if packed() != files():
            raise SystemExit("the two caches disagree")
        with protocol.probed():
            times = protocol.best(protocol.interleave({"packed": packed, "one .pt per clip": files}, options.rounds))
    for arm, seconds in times.items():
        print(f"  {arm:18s} {options.reads / seconds:10.0f} clips per CPU-s")
    ratio = times["one .pt per clip"] / times["packed"]
    print(protocol.ratio_line("cache reads", ratio, 10))
    measured(reads_per_cpu_s={arm: options.reads / seconds for arm, seconds in times.items()}, ratio=ratio)
    write_results(__file__)


if __name__ == "__main__":
    main()
