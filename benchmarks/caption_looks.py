"""How often captions are told to fit by two looks and by the whole one alone, and how often the first look is enough.

    python benchmarks/caption_looks.py [--noises 12] [--draws 2000]

The pocket ACE-Step hears every example clip under every caption, with the noise that measures and with others; the rule
is replayed on eight captions that are drawn from them, one clip of each, as they belong and handed out at random.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import protocol
from benchmarks.recording import measured, write_results
from benchmarks.story_cells.clips import lay_out
from tunesmith.data.item_rng import ItemRng, key_of
from tunesmith.data.sample import Sample, read_manifest
from tunesmith.data.spread import PROBED
from tunesmith.evaluation.causes.captions import BY_CHANCE, fit_by_chance, is_clear
from tunesmith.families.ace_step import collate
from tunesmith.families.loss_terms import result_of
from tunesmith.files import write_text
from tunesmith.recipe.load import load_recipe
from tunesmith.run.adapted import on_device
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder
from tunesmith.stages.loss_meter import encode_quietly, items_of
from tunesmith.stages.pipeline import run_stages

__all__ = ["protocol"]

Noise = Callable[[np.ndarray, ItemRng | None], np.ndarray]
OWN_NOISE = collate.item_noise
LOOKS = 2
FIGURES = ("whole", "two_looks", "first_is_enough")


def encoded_clips(root: Path) -> tuple[RunContext, list[Sample]]:
    """A run of the example clips, checked and encoded, and its samples."""
    folder = RunFolder(root / "run").create()
    lay_out("ace_step", "", folder.path / "clips")
    write_text(folder.recipe, "preset: pocket-demo-ace-step\nname: looks\ndata:\n  folder: clips\n")
    context = RunContext(folder, load_recipe(folder.recipe), Console(quiet=True, log_file=folder.log))
    run_stages(context, ("check", "encode"), asked="fresh_if_changed")
    return context, list(read_manifest(folder.manifest))


def noise_of(number: int) -> Noise:
    """Another noise than the one that measures, the same for every clip like that one; 0 is that one."""

    def drawn(latents_CHT: np.ndarray, rng: ItemRng | None) -> np.ndarray:
        channels, height, frames = latents_CHT.shape
        generator = np.random.Generator(np.random.Philox(key=key_of("another noise", number)))
        noise = generator.standard_normal((frames, channels, height), np.float32)
        return np.ascontiguousarray(noise.transpose(1, 2, 0))

    return drawn if number else OWN_NOISE


def heard(context: RunContext, samples: Sequence[Sample], captions: Sequence[str], noises: int) -> np.ndarray:
    """Losses (noises, 2 looks, clips, captions) of the base model."""
    import torch

    under = [[replace(one, texts={**one.texts, "caption": text}, variants=()) for text in captions] for one in samples]
    encode_quietly(context, [sample for row in under for sample in row])
    networks = on_device(context.family.networks.load(), "cpu", context.family.networks.full_precision)
    rows, objective = [items_of(context, row) for row in under], context.family.objective
    found = np.zeros((noises, LOOKS, len(rows), len(captions)))
    for number in range(noises):
        collate.item_noise = noise_of(number)
        for look in range(LOOKS):
            for clip, row in enumerate(rows):
                with torch.no_grad():
                    sums = objective.sums_of_each(networks, row, lambda batch: batch, look=look)
                found[number, look, clip] = [result_of([one]).loss for one in sums]
    collate.item_noise = OWN_NOISE
    return found


def drawn_matrices(losses: np.ndarray, own: np.ndarray, draws: int, *, shuffled: bool) -> Iterator[np.ndarray]:
    """Losses (2 looks, 8, 8) of clips of eight captions, under their own ones or under each other's."""
    rng = np.random.default_rng(1)
    for _ in range(draws):
        captions = rng.choice(losses.shape[3], PROBED, replace=False)
        clips = [rng.choice(np.flatnonzero(own == caption)) for caption in captions]
        under = rng.permutation(captions) if shuffled else captions
        yield losses[rng.integers(len(losses))][:, clips][:, :, under]


def judged(matrices: Iterator[np.ndarray]) -> dict[str, float]:
    """Shares that are told to fit by the whole look alone and by two looks, and of which the first is enough."""
    told = []
    for first, then in matrices:
        whole, enough = (first + then) / 2, is_clear(first.tolist())
        told.append(
            (
                fit_by_chance(whole)[1] < BY_CHANCE,
                enough or fit_by_chance(whole, first)[1] < BY_CHANCE,
                enough,
            )
        )
    return dict(zip(FIGURES, np.mean(told, axis=0).tolist(), strict=True))


def main() -> None:
    """Measure, replay, print and keep the shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--noises", type=int, default=12)
    parser.add_argument("--draws", type=int, default=2000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        context, samples = encoded_clips(Path(root))
        captions = list(dict.fromkeys(sample.texts["caption"] for sample in samples))
        losses = heard(context, samples, captions, given.noises)
    own = np.array([captions.index(sample.texts["caption"]) for sample in samples])
    for noise, part in (("own_noise", losses[:1]), ("other_noises", losses[1:])):
        for kind in ("own_captions", "shuffled") if len(part) else ():
            figures = judged(drawn_matrices(part, own, given.draws, shuffled=kind == "shuffled"))
            print(
                f"{noise}, {kind}: " + ", ".join(f"{name} {share:.1%}" for name, share in figures.items()), flush=True
            )
            measured(**{f"{noise}_{kind}_{name}": share for name, share in figures.items()})
    measured(clips=len(samples), captions=len(captions), noises=given.noises, draws=given.draws)
    print(write_results(__file__))


if __name__ == "__main__":
    main()
