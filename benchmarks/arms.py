"""The two arms of the training benchmark: a Trainer-style step on transformers' own forward, and Tunesmith's update."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from protocol import own_precision
from tunesmith.data.cache import EncodedStore
from tunesmith.data.content import content_key
from tunesmith.data.sample import AudioRef, Sample
from tunesmith.families.contract import Family
from tunesmith.families.musicgen.adapters import TARGETS
from tunesmith.families.musicgen.checkpoint import MusicGenCheckpoint
from tunesmith.families.musicgen.encoding import MusicGenEncoding
from tunesmith.families.musicgen.family import MUSICGEN
from tunesmith.recipe.models import Recipe
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder
from tunesmith.training.clips import Clips
from tunesmith.training.setup import build_train_state
from tunesmith.training.state import RunClips, TrainState

WORDS = 24
"""T5 tokens per caption."""
RANK = 16


class SyntheticEncoding(MusicGenEncoding):
    """A cache filled with random codes, so that no audio is needed."""

    def field_key(self, sample: Sample, name: str) -> str:
        """The clip's name decides."""
        return content_key(sample.id, name)


def synthetic_family(path: str) -> Family:
    """MusicGen over a checkpoint, its fields random."""
    family = MUSICGEN.open(path)
    return dataclasses.replace(family, encoding=SyntheticEncoding(cast(MusicGenCheckpoint, family.checkpoint)))


@dataclass(frozen=True)
class Work:
    """What both arms train on: codes (K, T) and caption token ids (L,) per clip."""

    codes: list[np.ndarray]
    captions: list[np.ndarray]
    batch_size: int
    accumulation: int

    @property
    def clips(self) -> int:
        """Clips per update."""
        return len(self.codes)


def make_work(frames: Sequence[int], batch_size: int, vocab: int, codebooks: int, text_vocab: int) -> Work:
    """One update's worth of random clips of these lengths."""
    rng = np.random.default_rng(0)
    codes = [rng.integers(0, vocab, (codebooks, n)).astype(np.uint16) for n in frames]
    captions = [rng.integers(3, text_vocab, WORDS) for _ in frames]
    return Work(codes, captions, batch_size, len(frames) // batch_size)


def our_bench(
    family: Family, work: Work, folder: Path, rank: int = RANK, precision: str | None = None, **train: object
) -> TrainState:
    """The workbench that ``tunesmith train`` builds, over an encoded store holding ``work``."""
    sizes = {"batch_size": work.batch_size, "accumulation": work.accumulation, "updates": 1000, **train}
    adapter = {"rank": rank, "alpha": rank}
    model = {"path": family.path, "precision": precision or own_precision()}
    recipe = Recipe.model_validate({"model": model, "train": sizes, "adapter": adapter})
    store = EncodedStore(folder / "cache", family.encoding.fields())
    samples = [Sample(f"{i}", {"audio": AudioRef("-")}, {"caption": ""}) for i in range(work.clips)]
    rng = np.random.default_rng(1)
    for sample, codes in zip(samples, work.codes, strict=True):
        text = rng.standard_normal((WORDS, family.checkpoint.config.text_size)).astype(np.float32)
        keys = {spec.name: family.encoding.field_key(sample, spec.name) for spec in family.encoding.fields()}
        if store.missing(keys):
            store.put(keys, {"codes": codes, "text": text})
    store.flush()
    run_folder = RunFolder(folder)
    context = RunContext(run_folder, recipe, Console(quiet=True, log_file=run_folder.log))
    vars(context)["family"] = family
    return build_train_state(context, RunClips(Clips(family, store, samples, max_frames=1500, min_frames=1)))


class TrainerStyle:
    """One optimizer update as a Hugging Face Trainer takes it on ``MusicgenForConditionalGeneration``.

    Codes are cached and their delay pattern is applied beforehand, as the tools in use do; T5 runs in the step.

    Args:
        checkpoint: The model folder.
        work: The clips.
        window: Frames that every clip is padded to; the longest clip's by default.
        cached_text: Give T5's output instead of running it.
        use_cache: transformers' default, which keeps keys and values that nobody reads.
        dropout: Decoder and T5 dropout of the published configs, and adapter dropout.
        wide: Adapters on heads, embeddings and the text projection too.
    """

    def __init__(
        self,
        checkpoint: Path,
        work: Work,
        *,
        window: int | None = None,
        cached_text: bool = False,
        use_cache: bool = True,
        dropout: bool = True,
        wide: bool = False,
    ) -> None:
        from peft import LoraConfig, get_peft_model
        from transformers import MusicgenConfig, MusicgenForConditionalGeneration

        config = MusicgenConfig.from_pretrained(checkpoint)
        config.decoder.dropout = 0.1 if dropout else 0.0
        config.text_encoder.dropout_rate = 0.1 if dropout else 0.0
        model: Any = MusicgenForConditionalGeneration.from_pretrained(checkpoint, config=config)
        model.config.decoder.decoder_start_token_id = config.decoder.vocab_size
        self.pad, self.use_cache = config.decoder.vocab_size, use_cache
        targets = list(TARGETS)
        if wide:
            targets += ["enc_to_dec_proj"]
            targets += [f"{part}.{k}" for part in ("embed_tokens", "lm_heads") for k in range(4)]
        torch.manual_seed(0)
        adapter = LoraConfig(r=RANK, lora_alpha=RANK, lora_dropout=0.05 if dropout else 0.0, target_modules=targets)
        self.model: nn.Module = get_peft_model(model, adapter).train()
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(self.parameters, lr=2e-4, betas=(0.9, 0.99), weight_decay=0.1)
        window = window or max(c.shape[1] for c in work.codes)
        cut = [slice(i, i + work.batch_size) for i in range(0, work.clips, work.batch_size)]
        self.batches = [self._batch(model, work.codes[s], work.captions[s], window) for s in cut]
        if cached_text:
            for batch in self.batches:
                with torch.no_grad():
                    states = model.text_encoder(batch["input_ids"], batch["attention_mask"])[0]
                batch["encoder_outputs"] = (states,)
                del batch["input_ids"]

    def _batch(
        self, model: Any, codes: Sequence[np.ndarray], captions: Sequence[np.ndarray], window: int
    ) -> dict[str, Any]:
        labels = torch.full((len(codes), window, codes[0].shape[0]), -100)
        for row, clip in enumerate(codes):
            start = torch.full((clip.shape[0], 1), self.pad)
            given = torch.cat([start, torch.from_numpy(clip.astype(np.int64))], dim=1)
            _, mask = model.decoder.build_delay_pattern_mask(given, self.pad, given.shape[1] + clip.shape[0])
            delayed = torch.where(mask == -1, self.pad, mask)[:, 1 : clip.shape[1] + 1]
            labels[row, : clip.shape[1]] = delayed.T
        ids = torch.from_numpy(np.stack(captions))
        return {"labels": labels, "input_ids": ids, "attention_mask": torch.ones_like(ids)}

    def update(self) -> float:
        """One update; returns the loss."""
        total = 0.0
        for batch in self.batches:
            loss = self.model(**batch, use_cache=self.use_cache).loss / len(self.batches)
            loss.backward()
            total += float(loss.detach())
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return total
