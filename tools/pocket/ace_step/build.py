"""Makes the pocket ACE-Step from nothing: synthesise, fit the autoencoder, pretrain, save, measure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.pocket.progress import Bar, progress_bar, training_report
from tools.pocket.workplace import folder_mb, keep, peak_memory_mib, workplace, write_numbers
from tunesmith.files import atomic_folder, write_json
from tunesmith.pocket.synth import BASE_STYLES

if TYPE_CHECKING:
    from tools.pocket.ace_step.batches import MelCorpus
    from tools.pocket.ace_step.corpus import RenderedSongs
    from tools.pocket.pretraining import PretrainPlan, Trained

MINUTES = 69.0
CODEC_SHARE = 0.22  # of the time, for the autoencoder


def build(
    out: Path,
    *,
    seed: int = 0,
    minutes: float | None = None,
    updates: tuple[int, int] | None = None,
    clips_per_style: int = 180,
    quiet: bool = False,
) -> dict[str, Any]:
    """Build the checkpoint folder ``out`` and return its numbers, which are also in its ``NUMBERS.md``.

    An interrupted build continues where it stopped: unfinished work (0.6 GB, most of it mel spectrograms) lies beside
    ``out`` in a hidden folder until then.

    Args:
        out: The folder to make; an older one is replaced only when the new one is complete.
        seed: Of the corpus, the weights and the batches.
        minutes: Time for both trainings together (69 when neither this nor ``updates`` is given).
        updates: Of the autoencoder and of the transformer instead, whatever time they take.
        clips_per_style: Twelve-second clips of each base style; 180 are three and a half hours in all.
        quiet: Show no progress bar.

    Raises:
        TunesmithError: when the folder cannot be written.
    """
    from tools.pocket.ace_step.assemble import make_parts, save_folder
    from tools.pocket.ace_step.corpus import render_songs
    from tools.pocket.ace_step.measure import numbers
    from tools.pocket.ace_step.numbers_page import markdown
    from tools.pocket.ace_step.pretrain import pretrain
    from tools.pocket.pretraining import PretrainPlan
    from tools.pocket.prompts import base_prompts

    whole = MINUTES if minutes is None else minutes
    plans = (
        PretrainPlan(whole * CODEC_SHARE, None if updates is None else updates[0]),
        PretrainPlan(whole * (1 - CODEC_SHARE), None if updates is None else updates[1]),
    )
    with workplace(out, seed, clips_per_style) as work, progress_bar(quiet) as bar:
        songs = render_songs(work, clips_per_style, clips_per_style // 2, seed, bar("rendering the clips"))
        codec, fitted = _codec(work, songs, plans[0], seed, bar)
        corpus = _corpus(work / "corpus.pt", codec, songs, bar)
        parts = make_parts(seed)
        advance = bar("pretraining")
        trained = pretrain(parts, corpus, plans[1], seed=seed, state=work / "state.pt", report=training_report(advance))
        advance(1.0, f"update {trained.updates}")
        with atomic_folder(out) as folder:
            save_folder(parts, codec, folder)
            write_json(folder / "base_prompts.json", base_prompts())
            measured = numbers(parts, codec, folder, bar("measuring"))
            measured |= _efforts(fitted, trained, seed, clips_per_style)
            measured["folder_mb"] = folder_mb(folder)
            write_numbers(folder, measured, markdown(measured))
    return measured


def _codec(work: Path, songs: RenderedSongs, plan: PretrainPlan, seed: int, bar: Bar) -> tuple[Any, Trained]:
    """The fitted autoencoder, rounded to what 16 bits hold, from ``work`` if it is there."""
    import torch

    from tools.pocket.ace_step.codec import fit_codec, make_codec
    from tools.pocket.pretraining import Trained
    from tools.pocket.weights import round_to_half

    path = work / "codec.pt"
    if path.exists():
        stored = torch.load(path, weights_only=True)
        codec = make_codec().eval()
        codec.load_state_dict(stored["model"])
        return codec, Trained(**stored["used"])
    advance = bar("fitting the autoencoder")
    codec, used = fit_codec(songs, plan, seed=seed, state=work / "codec_state.pt", report=training_report(advance))
    round_to_half(codec)
    keep({"model": codec.state_dict(), "used": vars(used)}, path)
    advance(1.0, f"update {used.updates}")
    return codec, used


def _corpus(path: Path, codec: Any, songs: RenderedSongs, bar: Bar) -> MelCorpus:
    import torch

    from tools.pocket.ace_step.batches import MelCorpus, make_corpus

    if path.exists():
        return MelCorpus(**torch.load(path, weights_only=True))
    corpus = make_corpus(codec, songs, songs.of(BASE_STYLES), bar("encoding the clips"))
    keep(vars(corpus), path)
    return corpus


def _efforts(fitted: Trained, trained: Trained, seed: int, clips: int) -> dict[str, Any]:
    """What the two trainings took."""
    return {
        "seed": seed,
        "clips_per_style": clips,
        "codec_updates": fitted.updates,
        "codec_minutes": round(fitted.seconds / 60, 1),
        "codec_loss": round(fitted.loss, 4),
        "updates": trained.updates,
        "training_minutes": round(trained.seconds / 60, 1),
        "peak_memory_mib": peak_memory_mib(),
    }
