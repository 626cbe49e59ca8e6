"""Makes the pocket Step-Audio-EditX from nothing: synthesise, fit the tokenisers, pretrain twice, save, measure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.pocket.progress import Bar, progress_bar, training_report
from tools.pocket.workplace import folder_mb, peak_memory_mib, workplace, write_numbers
from tunesmith.files import atomic_folder, write_json

if TYPE_CHECKING:
    from tools.pocket.pretraining import PretrainPlan
    from tools.pocket.step_audio.assemble import SpeechParts
    from tools.pocket.step_audio.corpus import SpeechCorpus, Tensors
    from tunesmith.families.step_audio.small import SmallConfig

MINUTES = 130.0
FLOW_SHARE = 0.4
SENTENCES, WITH_MEL, HELD_OUT = 14_000, 4_666, 96
CLONED = 0.54
"""Sentences that are cloned and judged, per held-out clip."""


def build(
    out: Path,
    *,
    seed: int = 0,
    minutes: float | None = None,
    updates: tuple[int, int] | None = None,
    sentences: int = SENTENCES,
    held_out: int = HELD_OUT,
    quiet: bool = False,
) -> dict[str, Any]:
    """Build the checkpoint folder ``out`` and return its numbers, which are also in its ``NUMBERS.md``.

    An interrupted build continues where it stopped: unfinished work (0.2 GB) lies beside ``out`` in a hidden folder
    until then.

    Args:
        out: The folder to make; an older one is replaced only when the new one is complete.
        seed: Of the sentences, the weights and the batches.
        minutes: Time for both trainings together (130 when neither this nor ``updates`` is given).
        updates: Of the language model and of the flow instead, whatever time they take.
        sentences: How many are synthesised, each with one edit.
        held_out: Clips that losses are measured on.
        quiet: Show no progress bar.

    Raises:
        TunesmithError: when espeak-ng is not installed, or the folder cannot be written.
    """
    from tools.pocket.pretraining import PretrainPlan
    from tunesmith.families.step_audio.small import SmallConfig

    whole = MINUTES if minutes is None else minutes
    plans = (
        PretrainPlan(whole * (1 - FLOW_SHARE), None if updates is None else updates[0]),
        PretrainPlan(whole * FLOW_SHARE, None if updates is None else updates[1]),
    )
    config = SmallConfig()
    with workplace(out, seed, sentences) as work, progress_bar(quiet) as bar:
        tensors = _frontend(work, config, seed, min(sentences, 480), bar)
        corpus = _corpus(work / "material.pt", tensors, config, sentences, seed, bar, False)
        held = _corpus(work / "held_out.pt", tensors, config, held_out, seed, bar, True)
        parts, efforts = _trained(work, corpus, tensors, config, plans, seed, bar)
        measured = finish(out, parts, held, {"seed": seed, "sentences": sentences, **efforts}, bar)
    return measured


def finish(out: Path, parts: SpeechParts, held: SpeechCorpus, known: dict[str, Any], bar: Bar) -> dict[str, Any]:
    """Write the folder of trained parts with its examples and measure it; returns the numbers.

    Args:
        out: The folder to make.
        parts: Trained.
        held: Held-out clips with their spectrograms.
        known: What the training took, and the seed.
        bar: For the progress.
    """
    from tools.pocket.step_audio.assemble import save_folder
    from tools.pocket.step_audio.examples import write_examples
    from tools.pocket.step_audio.measure import numbers
    from tools.pocket.step_audio.numbers_page import markdown
    from tools.pocket.step_audio.sample import Player
    from tunesmith.families.step_audio.text_tokenizer import load_text

    with atomic_folder(out) as folder:
        save_folder(parts, folder)
        write_examples(folder / "examples")
        write_json(folder / "base_prompts.json", [clip.text for clip in held.plain[:8]])
        player = Player(parts, load_text(folder, parts.ids))
        measured = numbers(player, held, known["seed"], bar("measuring"), max(1, round(CLONED * len(held.plain))))
        networks = {"language model": parts.language, "flow": parts.flow}
        measured |= {
            "parameters": {name: sum(p.numel() for p in network.parameters()) for name, network in networks.items()},
            "vq02": parts.ids.vq02, "vq06": parts.ids.vq06, **known,
            "peak_memory_mib": peak_memory_mib(), "folder_mb": folder_mb(folder),
        }  # fmt: skip
        write_numbers(folder, measured, markdown(measured))
    return measured


def _frontend(work: Path, config: SmallConfig, seed: int, clips: int, bar: Bar) -> Tensors:
    """The fitted small front ends, from ``work`` if they are there."""
    from safetensors.torch import load_file, save_file

    from tools.pocket.step_audio.tokenisers import fit_frontend
    from tunesmith.files import atomic_path

    path = work / "frontend.safetensors"
    if path.exists():
        return dict(load_file(path))
    tensors = fit_frontend(config, seed, bar("fitting the tokenisers"), clips)
    with atomic_path(path) as temporary:
        save_file(tensors, temporary)
    return tensors


def _corpus(
    path: Path, tensors: Tensors, config: SmallConfig, count: int, seed: int, bar: Bar, held_out: bool
) -> SpeechCorpus:
    from tools.pocket.step_audio.corpus import load_corpus, make_corpus, save_corpus

    if path.exists():
        return load_corpus(path)
    advance = bar("held-out sentences" if held_out else "synthesising the sentences")
    with_mel = count if held_out else min(count, WITH_MEL)
    corpus = make_corpus(tensors, config, count, with_mel, seed, advance, held_out)
    save_corpus(corpus, path)
    advance(1.0, f"{count} sentences")
    return corpus


def _trained(
    work: Path,
    corpus: SpeechCorpus,
    tensors: Tensors,
    config: SmallConfig,
    plans: tuple[PretrainPlan, PretrainPlan],
    seed: int,
    bar: Bar,
) -> tuple[SpeechParts, dict[str, Any]]:
    """Both networks after their trainings, and what those took."""
    from tools.pocket.step_audio.assemble import SpeechParts
    from tools.pocket.step_audio.flow_data import Scenes
    from tools.pocket.step_audio.flow_pretrain import make_flow, mean_mel, pretrain_flow
    from tools.pocket.step_audio.language import make_language_model, pretrain_language_model
    from tools.pocket.step_audio.samples import Samples
    from tools.pocket.step_audio.text_tokenizer import make_text_tokeniser, token_ids
    from tunesmith.families.step_audio.text_tokenizer import JSON, load_text

    tokeniser = make_text_tokeniser()
    tokeniser.save(str(work / JSON))
    ids = token_ids(tokeniser)
    language, flow = make_language_model(ids, seed), make_flow(ids, mean_mel(corpus), seed)
    samples = Samples(corpus, load_text(work, ids), ids)
    spoke = pretrain_language_model(
        language, samples, plans[0], seed=seed, state=work / "language.pt",
        report=training_report(bar("pretraining the language model")),
    )  # fmt: skip
    painted = pretrain_flow(
        flow, Scenes(corpus, ids), plans[1], seed=seed, state=work / "flow.pt",
        report=training_report(bar("pretraining the flow")),
    )  # fmt: skip
    efforts = {
        "language_updates": spoke.updates, "language_minutes": round(spoke.seconds / 60, 1),
        "flow_updates": painted.updates, "flow_minutes": round(painted.seconds / 60, 1),
    }  # fmt: skip
    return SpeechParts(language, flow, tokeniser, ids, tensors, config), efforts
