"""Padding changes nothing: a batch of mixed lengths equals its items one by one, in values and gradients."""

from __future__ import annotations

import pytest
import torch

from tests.families.ace_step.tiny_transformer import Inputs, random_inputs, random_transformer
from tunesmith.families.ace_step.parts.transformer import AceStepTransformer

TOLERANCE = 1e-5
MIXED = {"frames": (17, 30, 9, 24), "text": (7, 3, 11, 1), "lyrics": (5, 13, 0, 8)}


def velocity(transformer: AceStepTransformer, inputs: Inputs, *, masked: bool) -> torch.Tensor:
    mask = inputs.masks()[0] if masked else None
    return transformer.decode(inputs.latents, inputs.time, inputs.encode(transformer), mask)


def gradients(transformer: AceStepTransformer, loss: torch.Tensor) -> dict[str, torch.Tensor]:
    named = dict(transformer.named_parameters())
    found = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
    return {name: torch.zeros_like(named[name]) if g is None else g for name, g in zip(named, found, strict=True)}


def assert_same(ours: torch.Tensor, theirs: torch.Tensor, name: str) -> None:
    scale = max(1.0, theirs.abs().max().item())
    assert (ours - theirs).abs().max().item() <= TOLERANCE * scale, name


def test_batch_of_mixed_lengths_equals_singles():
    transformer = random_transformer()
    inputs = random_inputs(**MIXED)
    batch = velocity(transformer, inputs, masked=True)
    for item, frames in enumerate(inputs.frames):
        alone = velocity(transformer, inputs.single(item), masked=False)
        assert_same(batch[item : item + 1, ..., :frames], alone, f"item {item}")


def test_gradients_of_a_batch_are_the_sum_of_its_items():
    transformer = random_transformer()
    inputs = random_inputs(**MIXED)
    mask = inputs.masks()[0][:, None, None, :]
    batch = gradients(transformer, (velocity(transformer, inputs, masked=True).square() * mask).sum())
    single = [
        gradients(transformer, velocity(transformer, inputs.single(item), masked=False).square().sum())
        for item in range(len(inputs.frames))
    ]
    # Some gradients are small differences of large ones: those are rounded on the scale of the largest.
    largest = max(gradient.abs().max() for gradient in batch.values())
    for name, gradient in batch.items():
        total = torch.stack([item[name] for item in single]).sum(dim=0)
        assert (gradient - total).abs().max() <= TOLERANCE * total.abs().max() + 1e-6 * largest, name
        assert gradient.abs().max() > 0, f"{name} has no gradient"


def test_content_of_padding_is_never_seen():
    transformer = random_transformer()
    inputs = random_inputs(**MIXED)
    before = velocity(transformer, inputs, masked=True)
    frame_mask, text_mask, lyric_mask = (mask.bool() for mask in inputs.masks())
    inputs.latents[~frame_mask[:, None, None].expand(inputs.latents.shape)] = 100.0
    inputs.text[~text_mask] = -100.0
    inputs.ids[~lyric_mask] = 0
    after = velocity(transformer, inputs, masked=True)
    valid = frame_mask[:, None, None].expand(after.shape)
    assert_same(after[valid], before[valid], "valid frames")


@pytest.mark.parametrize("leaky", [False, True])
def test_only_the_leaky_mode_lets_padding_in(leaky):
    """Upstream's masking is kept for comparison; this is what would otherwise depend on a clip's company."""
    transformer = random_transformer()
    inputs = random_inputs(**MIXED)
    alone = velocity(transformer, inputs.single(0), masked=False)
    conditions = inputs.encode(transformer)
    batch = transformer.decode(inputs.latents, inputs.time, conditions, inputs.masks()[0], leaky=leaky)
    difference = (batch[:1, ..., : inputs.frames[0]] - alone).abs().max()
    assert (difference > 1e-3) == leaky


def test_positions_count_valid_tokens_only():
    transformer = random_transformer()
    inputs = random_inputs((4, 4), (2, 4), (3, 3))
    packed = inputs.encode(transformer)
    plain = inputs.encode(transformer, packed=False)
    assert packed.positions[0][packed.mask[0] > 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert packed.positions[1].tolist() == plain.positions[1].tolist() == list(range(8))
    assert plain.positions[0].tolist() == list(range(8))


def test_lyrics_that_are_all_masked_give_finite_gradients():
    transformer = random_transformer()
    inputs = random_inputs((6, 5), (2, 3), (0, 0))
    inputs.ids = torch.ones(2, 4, dtype=torch.long)
    _, text_mask, _ = inputs.masks()
    conditions = transformer.encode(inputs.text, text_mask, inputs.speaker, inputs.ids, torch.zeros(2, 4))
    out = transformer.decode(inputs.latents, inputs.time, conditions, inputs.masks()[0])
    assert conditions.states.isfinite().all()
    for name, gradient in gradients(transformer, out.square().sum() + conditions.states.square().sum()).items():
        assert gradient.isfinite().all(), name
