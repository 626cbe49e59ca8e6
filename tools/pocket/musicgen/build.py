"""Makes the pocket MusicGen from nothing: synthesise, fit the codec, pretrain, measure, save."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.pocket.progress import Bar, progress_bar, training_report
from tools.pocket.workplace import folder_mb, keep, peak_memory_mib, workplace, write_numbers
from tunesmith.files import atomic_folder, write_json
from tunesmith.pocket.synth import BASE_STYLES

if TYPE_CHECKING:
    from transformers import EncodecModel

    from tools.pocket.musicgen.corpus import Corpus

MINUTES = 40.0


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
    from tools.pocket.musicgen.numbers_page import markdown, numbers
    from tools.pocket.musicgen.pretrain import pretrain
    from tools.pocket.musicgen.tokenizer import make_tokenizer
    from tools.pocket.pretraining import PretrainPlan
    from tools.pocket.prompts import base_prompts
    from tools.pocket.weights import round_to_half

    plan = PretrainPlan(minutes=MINUTES if minutes is None else minutes, updates=updates)
    tokenizer = make_tokenizer()
    with workplace(out, seed, clips_per_style) as work, progress_bar(quiet) as bar:
        codec = _codec(work / "codec.pt", seed, bar)
        corpus = _corpus(work / "corpus.pt", codec, seed, clips_per_style, bar)
        torch.manual_seed(seed)
        model = assemble(codec, tokenizer)
        advance = bar("pretraining")
        trained = pretrain(
            model, tokenizer, corpus, plan, seed=seed, state=work / "state.pt", report=training_report(advance)
        )
        advance(1.0, f"update {trained.updates}")
        measured = numbers(round_to_half(model), tokenizer, trained, bar("measuring"))
        measured["peak_memory_mib"] = peak_memory_mib()
        with atomic_folder(out) as folder:
            save_folder(model, tokenizer, folder)
            write_json(folder / "base_prompts.json", base_prompts())
            measured["folder_mb"] = folder_mb(folder)
            write_numbers(folder, measured, markdown(measured))
    return measured


def _codec(path: Path, seed: int, bar: Bar) -> EncodecModel:
    import torch

    from tools.pocket.musicgen.codec import CodecShape, fit_codec, write_codec
    from tools.pocket.musicgen.corpus import codec_waves

    shape = CodecShape()
    if path.exists():
        flat = torch.ones(shape.bands)
        codec = write_codec(shape, flat, flat)
        codec.load_state_dict(torch.load(path, weights_only=True))
        return codec
    advance = bar("fitting the codec")
    codec = fit_codec(codec_waves(shape.sample_rate), shape, seed)
    keep(codec.state_dict(), path)
    advance(1.0, f"{shape.frame_rate:.0f} frames/s, {shape.books} books of {shape.book_size}")
    return codec


def _corpus(path: Path, codec: EncodecModel, seed: int, clips: int, bar: Bar) -> Corpus:
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
    keep(vars(corpus), path)
    return corpus
