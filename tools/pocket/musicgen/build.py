"""Makes the pocket MusicGen from nothing: synthesise, fit the codec, pretrain, measure, save."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunesmith.files import atomic_folder, atomic_path, write_json, write_text
from tunesmith.pocket.synth import BASE_STYLES

if TYPE_CHECKING:
    from transformers import EncodecModel

    from tools.pocket.musicgen.corpus import Corpus

Advance = Callable[[float, str], None]


def build(
    out: Path,
    *,
    seed: int = 0,
    minutes: float | None = None,
    updates: int | None = None,
    clips_per_style: int = 180,
    quiet: bool = False,
) -> dict[str, Any]:
    """Build the checkpoint folder ``out`` and return its numbers, which are also in its ``NUMBERS.md``.

    An interrupted build continues where it stopped: unfinished work lies beside ``out`` in a hidden folder.

    Args:
        out: The folder to make; an older one is replaced only when the new one is complete.
        seed: Of the corpus, the codebooks, the weights and the batches.
        minutes: Time for pretraining alone (40 when neither this nor ``updates`` is given).
        updates: Train for so many updates instead, whatever time they take.
        clips_per_style: Twelve-second clips of each base style; 180 are three and a half hours in all.
        quiet: Show no progress bar.

    Raises:
        TunesmithError: when the folder cannot be written.
    """
    import torch

    from tools.pocket.musicgen.assemble import assemble, save_folder
    from tools.pocket.musicgen.codec import round_to_half
    from tools.pocket.musicgen.pretrain import PretrainPlan, pretrain
    from tools.pocket.musicgen.prompts import base_prompts
    from tools.pocket.musicgen.report import markdown, numbers
    from tools.pocket.musicgen.vocabulary import make_tokenizer

    work = out.with_name(f".{out.name}.building-{seed}-{clips_per_style}")
    work.mkdir(parents=True, exist_ok=True)
    plan = PretrainPlan(minutes=40.0 if minutes is None else minutes, updates=updates)
    tokenizer = make_tokenizer()
    with progress_bar(quiet) as bar:
        codec = _codec(work / "codec.pt", seed, bar)
        corpus = _corpus(work / "corpus.pt", codec, seed, clips_per_style, bar)
        torch.manual_seed(seed)
        model = assemble(codec, tokenizer)
        advance = bar("pretraining")
        trained = pretrain(
            model, tokenizer, corpus, plan, seed=seed, state=work / "state.pt",
            report=lambda used, done: advance(done, f"update {used.updates}, loss {used.loss:.3f}"),
        )  # fmt: skip
        advance(1.0, f"update {trained.updates}")
        measured = numbers(round_to_half(model), tokenizer, trained, bar("measuring"))
    measured["peak_memory_mib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    with atomic_folder(out) as folder:
        save_folder(model, tokenizer, folder)
        write_json(folder / "base_prompts.json", base_prompts())
        measured["folder_mb"] = round(sum(f.stat().st_size for f in folder.iterdir()) / 1e6, 2)
        write_json(folder / "numbers.json", measured)
        write_text(folder / "NUMBERS.md", markdown(measured))
    for leftover in work.iterdir():
        leftover.unlink()
    work.rmdir()
    return measured


def _codec(path: Path, seed: int, bar: Callable[[str], Advance]) -> EncodecModel:
    import torch

    from tools.pocket.musicgen.codec import CodecShape, fit_codec, write_codec
    from tools.pocket.musicgen.corpus import codec_material

    shape = CodecShape()
    if path.exists():
        flat = torch.ones(shape.bands)
        codec = write_codec(shape, flat, flat)
        codec.load_state_dict(torch.load(path, weights_only=True))
        return codec
    advance = bar("fitting the codec")
    codec = fit_codec(codec_material(shape.sample_rate), shape, seed)
    with atomic_path(path) as temporary:
        torch.save(codec.state_dict(), temporary)
    advance(1.0, f"{shape.frame_rate:.0f} frames/s, {shape.books} books of {shape.book_size}")
    return codec


def _corpus(path: Path, codec: EncodecModel, seed: int, clips: int, bar: Callable[[str], Advance]) -> Corpus:
    import torch

    from tools.pocket.musicgen.corpus import Corpus, make_corpus

    if path.exists():
        stored = torch.load(path, weights_only=True)
        return Corpus(stored["codes"], stored["captions"])
    advance, total, done = bar("rendering the corpus"), clips * len(BASE_STYLES), 0

    def step() -> None:
        nonlocal done
        done += 1
        advance(done / total, f"{done} of {total} clips")

    corpus = make_corpus(codec, BASE_STYLES, clips, first_seed=seed * 10_000, advance=step)
    with atomic_path(path) as temporary:
        torch.save(vars(corpus), temporary)
    return corpus


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Callable[[str], Advance]]:
    """A function that opens a stage and gives back what moves it (share done, note)."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = [
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:3.0f} %"), TimeElapsedColumn(),
        TimeRemainingColumn(), TextColumn("{task.fields[note]}"),
    ]  # fmt: skip
    with Progress(*columns, disable=quiet) as progress:

        def stage(name: str) -> Advance:
            task = progress.add_task(name, total=1.0, note="")
            return lambda done, note: progress.update(task, completed=min(1.0, done), note=note)

        yield stage
