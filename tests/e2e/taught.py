"""A tiny model that has heard the example clips, so that it passes the gates which stop a random one."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from tests.tiny import tiny_musicgen
from tunesmith.data.load import load
from tunesmith.data.sample import AudioRef, read_manifest
from tunesmith.pocket.examples import make_examples
from tunesmith.recipe.models import Recipe
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder
from tunesmith.stages.check import check
from tunesmith.stages.encode import encode
from tunesmith.training.setup import clips_of
from tunesmith.training.validation import fixed_batches, fixed_items


def fit_codebooks(folder: Path, clip: Path) -> None:
    """Move a random codec's books to where a clip's frames lie; elsewhere every clip would be the same few codes."""
    from transformers import MusicgenForConditionalGeneration

    codec = MusicgenForConditionalGeneration.from_pretrained(folder).audio_encoder
    audio = load(AudioRef(str(clip)), 8000, 1)[:, :24000]
    with torch.no_grad():
        frames = codec.encoder(torch.from_numpy(audio)[None])[0]
    state = load_file(folder / "model.safetensors")
    generator = torch.Generator().manual_seed(0)
    for layer in range(len(codec.quantizer.layers)):
        book = state[f"audio_encoder.quantizer.layers.{layer}.codebook.embed"]
        book.copy_(torch.randn(book.shape, generator=generator) * frames.std(-1).mean())
        if layer == 0:
            book += frames.mean(-1)
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})


def taught_musicgen(root: Path, updates: int = 60) -> Path:
    """Write the tiny random checkpoint, then train its whole decoder on example clips for a few seconds."""
    folder = tiny_musicgen(root / "musicgen-small")
    make_examples(root / "clips", 6)
    fit_codebooks(folder, root / "clips" / "train" / "example-001.wav")
    recipe = Recipe.model_validate(
        {"model": {"path": str(folder), "device": "cpu"}, "data": {"folder": str(root / "clips"), "max_seconds": 3.0}}
    )
    context = RunContext(RunFolder(root / "run").create(), recipe, Console(quiet=True))
    check(context)
    encode(context)
    family = context.family
    networks = family.networks.load()
    (network,) = networks.values()
    batches = fixed_batches(family, fixed_items(clips_of(context, list(read_manifest(context.folder.manifest)))), 6)
    network.requires_grad_(True).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3)
    for update in range(updates):
        terms = family.objective.loss(networks, batches[update % len(batches)], None)
        loss = sum(term.sum / term.denominator for term in terms.values()) / len(terms)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    state = load_file(folder / "model.safetensors")
    learnt = {k: v.detach().contiguous() for k, v in network.state_dict().items() if k in state}
    assert learnt
    save_file({**state, **learnt}, folder / "model.safetensors", metadata={"format": "pt"})
    shutil.rmtree(root / "run")
    return folder
