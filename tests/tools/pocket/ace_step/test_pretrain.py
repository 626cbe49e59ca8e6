from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tools.pocket.ace_step import assemble
from tools.pocket.ace_step.assemble import Parts, make_parts
from tools.pocket.ace_step.batches import MelCorpus, make_batch
from tools.pocket.ace_step.pretrain import held_out, loss_of, pretrain
from tools.pocket.ace_step.sample import sample
from tools.pocket.pretraining import PretrainPlan, Trained

CAPTIONS = ["house arpeggio 120 bpm, bright synth", "ambient pad chords, dark, soft, slow"]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    published = assemble.transformer_config

    def tiny(lyric_vocabulary: int) -> dict[str, object]:
        return {**published(lyric_vocabulary), "inner_dim": 32, "num_layers": 2, "num_attention_heads": 1}

    monkeypatch.setattr(assemble, "transformer_config", tiny)


def corpus() -> MelCorpus:
    generator = torch.Generator().manual_seed(0)
    level = torch.tensor([1.5, -1.5])[:, None, None, None]
    return MelCorpus((level + 0.1 * torch.randn(2, 8, 16, 20, generator=generator)).half(), CAPTIONS)


def quiet(used: Trained, done: float) -> None:
    pass


def test_the_loss_is_the_error_of_the_clean_latent() -> None:
    parts = make_parts(0)
    batch = make_batch(parts, corpus(), seed=0, number=0)
    states = parts.text_encoder(input_ids=batch.text, attention_mask=batch.text_mask).last_hidden_state
    with torch.no_grad():
        level = batch.sigma[:, None, None, None]
        noisy = level * batch.noise + (1 - level) * batch.latents
        velocity = parts.velocity(
            noisy, batch.sigma, states * batch.text_kept[:, None, None], batch.text_mask, batch.lyrics, batch.lyric_mask
        )
        clean = noisy - level * velocity
        wanted = (clean - batch.latents).square().mean(dim=(1, 2, 3))
        torch.testing.assert_close(loss_of(parts, batch), wanted, rtol=1e-4, atol=1e-5)


def test_batches_have_shuffled_tags_few_lyrics_and_dropped_texts() -> None:
    parts = make_parts(0)
    batches = [make_batch(parts, corpus(), seed=0, number=n) for n in range(30)]
    rows = sum(len(batch.latents) for batch in batches)
    assert sum(int((batch.text_kept == 0).sum()) for batch in batches) / rows == pytest.approx(0.15, abs=0.06)
    sung = sum(int(batch.lyric_mask.amax(1).sum()) for batch in batches)
    assert sung / rows == pytest.approx(0.17, abs=0.06)
    heads = {int(row[0]) for batch in batches for row in batch.text}
    assert {parts.tokenizer(word).input_ids[0] for word in ("house", "bright", "ambient", "dark")} <= heads
    assert all(batch.sigma.min() > 0 and batch.sigma.max() <= 1 for batch in batches)


def test_padding_of_texts_and_lyrics_changes_no_loss() -> None:
    parts = make_parts(0)
    batch = make_batch(parts, corpus(), seed=0, number=1)
    rows, more = len(batch.latents), 3
    padded = replace(
        batch,
        text=torch.cat([batch.text, torch.zeros(rows, more, dtype=torch.long)], 1),
        text_mask=torch.cat([batch.text_mask, torch.zeros(rows, more, dtype=torch.long)], 1),
        lyrics=torch.cat([batch.lyrics, torch.zeros(rows, more, dtype=torch.long)], 1),
        lyric_mask=torch.cat([batch.lyric_mask, torch.zeros(rows, more)], 1),
    )
    with torch.no_grad():
        torch.testing.assert_close(loss_of(parts, padded), loss_of(parts, batch), rtol=1e-4, atol=1e-5)


def test_training_learns_what_a_caption_sounds_like(tmp_path: Path) -> None:
    parts, clips = make_parts(0), corpus()
    before = held_out(parts, clips, (0.9,))[0]
    used = pretrain(parts, clips, PretrainPlan(updates=60), seed=0, state=tmp_path / "s.pt", report=quiet)
    assert used.updates == 60
    assert held_out(parts, clips, (0.9,))[0] < 0.5 * before
    made = sample(parts, CAPTIONS, 20, seed=0, steps=8, guidance=2.0)
    assert made.shape == (2, 8, 16, 20)
    assert made[0].mean() > made[1].mean() + 1.0


def test_an_interrupted_training_ends_as_an_unbroken_one(tmp_path: Path) -> None:
    def stop(used: Trained, done: float) -> None:
        if used.updates == 2:
            raise KeyboardInterrupt

    def trained(state: Path, report: object = quiet) -> Parts:
        parts = make_parts(0)
        pretrain(parts, corpus(), PretrainPlan(updates=4), seed=0, state=state, report=report)  # type: ignore[arg-type]
        return parts

    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "broken.pt", stop)
    resumed, straight = trained(tmp_path / "broken.pt"), trained(tmp_path / "whole.pt")
    for name in ("transformer", "text_encoder"):
        pairs = zip(getattr(resumed, name).parameters(), getattr(straight, name).parameters(), strict=True)
        assert all(torch.equal(mine, other) for mine, other in pairs)
