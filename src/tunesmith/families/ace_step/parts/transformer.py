"""The diffusion transformer of ACE-Step v1: conditions and noisy latents to velocity.

Shapes: B items, C latent channels (8), H latent height (16), T frames, D width, L conditioning tokens (1 speaker, then
text, then lyrics), N lyric tokens, S speaker features.

Source: "ACE-Step: A Step Towards Music Generation Foundation Model" (Gong et al. 2025) and
``acestep/models/ace_step_transformer.py``, whose tensor names and shapes are kept exactly.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from tunesmith.families.ace_step.config import TransformerConfig
from tunesmith.families.ace_step.parts.block import BlockInputs, TransformerBlock
from tunesmith.families.ace_step.parts.lyric_encoder import LyricEncoder
from tunesmith.families.ace_step.parts.patch import FinalLayer, PatchEmbedding
from tunesmith.families.ace_step.parts.projectors import make_projectors
from tunesmith.families.ace_step.parts.rope import rope_table
from tunesmith.families.ace_step.parts.time import TimeEmbedding, sinusoid, time_modulation

ERG_BLOCKS = range(15, 20)
"""Blocks whose queries entropy-rectifying guidance weakens (``pipeline_ace_step.py``)."""


@dataclass(frozen=True)
class Conditions:
    """What the frames are conditioned on.

    Attributes:
        states: (B, L, D).
        mask: (B, L) float, 1 where a token is valid.
        positions: (B, L) rope positions.
    """

    states: torch.Tensor
    mask: torch.Tensor
    positions: torch.Tensor

    def repeated(self, times: int) -> Conditions:
        """The whole batch so many times over."""
        return Conditions(self.states.repeat(times, 1, 1), self.mask.repeat(times, 1), self.positions.repeat(times, 1))


class AceStepTransformer(nn.Module):
    """The trained network of ACE-Step v1.

    Args:
        config: Sizes.
        projectors: Build the heads of the self-supervised projection losses too.
        lyric_dropout: Dropout of the lyric encoder in train mode; upstream trains with 0.1.
    """

    def __init__(self, config: TransformerConfig, *, projectors: bool = False, lyric_dropout: float = 0.0) -> None:
        super().__init__()
        self.config = config
        self.checkpointing = False
        width = config.inner_dim
        self.lyric_embs = nn.Embedding(config.lyric_encoder_vocab_size, config.lyric_hidden_size)
        self.lyric_encoder = LyricEncoder(config.lyric_encoder, config.lyric_hidden_size, lyric_dropout)
        self.lyric_proj = nn.Linear(config.lyric_encoder.output_size, width)
        self.genre_embedder = nn.Linear(config.text_embedding_dim, width)
        self.speaker_embedder = nn.Linear(config.speaker_embedding_dim, width)
        self.timestep_embedder = TimeEmbedding(width)
        self.t_block = time_modulation(width)
        self.proj_in = PatchEmbedding(config.in_channels, config.patch_size, width)
        self.transformer_blocks = nn.ModuleList(
            TransformerBlock(width, config.num_attention_heads, config.mlp_ratio) for _ in range(config.num_layers)
        )
        self.final_layer = FinalLayer(width, config.out_channels, config.patch_size)
        self.projectors = make_projectors(width, config.ssl_latent_dims) if projectors else None

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights that no quantiser touches; inputs are cast to it."""
        dtype: torch.dtype = self.final_layer.scale_shift_table.dtype
        return dtype

    def enable_checkpointing(self) -> None:
        """Recompute every block in the backward pass instead of keeping what it computed."""
        self.checkpointing = self.lyric_encoder.checkpointing = True

    def encode(
        self,
        text_BLD: torch.Tensor,
        text_mask_BL: torch.Tensor,
        speaker_BS: torch.Tensor,
        lyric_ids_BN: torch.Tensor,
        lyric_mask_BN: torch.Tensor,
        *,
        packed: bool = True,
        lyric_query_scale: float = 1.0,
    ) -> Conditions:
        """Join speaker, tags and lyrics.

        Args:
            text_BLD: UMT5 states of the tags, with their mask.
            text_mask_BL: 1 valid, 0 not.
            speaker_BS: Speaker vector; zeros stand for none.
            lyric_ids_BN: Lyric tokens, with their mask.
            lyric_mask_BN: 1 valid, 0 not.
            packed: Count only valid tokens for the rope positions, so that padded tags do not move the lyrics of a
                batch; ``False`` counts all, as upstream does. Equal for an item without padding.
            lyric_query_scale: Factor on the queries of the lyric encoder's last layers (entropy-rectifying guidance).
        """
        lyric_mask = lyric_mask_BN.float()
        lyrics = self.lyric_encoder(self.lyric_embs(lyric_ids_BN), lyric_mask, lyric_query_scale)
        speaker = self.speaker_embedder(speaker_BS.to(self.dtype))[:, None]
        text = self.genre_embedder(text_BLD.to(self.dtype))
        states = torch.cat([speaker, text, self.lyric_proj(lyrics)], dim=1)
        mask = torch.cat([lyric_mask.new_ones(len(speaker), 1), text_mask_BL.float(), lyric_mask], dim=1)
        # The mask's own dtype would count to 256 at most in bf16.
        positions = (
            mask.cumsum(dim=1) - 1 if packed else torch.arange(mask.shape[1], device=mask.device).expand(mask.shape)
        )
        return Conditions(states, mask, positions)

    def decode(
        self,
        latents_BCHT: torch.Tensor,
        time_B: torch.Tensor,
        conditions: Conditions,
        frame_mask_BT: torch.Tensor | None = None,
        *,
        taps: Collection[int] = (),
        query_scale_B: torch.Tensor | None = None,
        leaky: bool = False,
    ) -> torch.Tensor | tuple[torch.Tensor, dict[int, torch.Tensor]]:
        """Velocity (noise minus data) of noisy latents.

        Args:
            latents_BCHT: Noisy latents, right-padded with anything finite.
            time_B: 1000 * sigma.
            conditions: From :meth:`encode`.
            frame_mask_BT: 1 valid, 0 padding; ``None`` where every frame is valid. Padding changes no valid frame.
            taps: Block indices whose output is wanted too.
            query_scale_B: Factor per item on both attentions' queries in ``ERG_BLOCKS``.
            leaky: Mask the frames in attention alone, as upstream does: padding then reaches the patch embedding's
                norm and the convolutions. For comparison with upstream.

        Returns:
            (B, C, H, T) fp32; with ``taps`` also their hidden frames (B, T, D) by block index.
        """
        inner_mask = None if leaky else frame_mask_BT
        time = self.timestep_embedder(sinusoid(time_B).to(self.dtype))
        # Laid out as (B, T, D): of another layout inductor makes wrong gradients (benchmarks/compiled_gradients.py).
        frames = self.proj_in(latents_BCHT.to(self.dtype), inner_mask).contiguous()
        positions = torch.arange(frames.shape[1], device=frames.device)[None]
        width, theta = self.config.attention_head_dim, self.config.rope_theta
        inputs = BlockInputs(
            modulation=self.t_block(time).unflatten(-1, (6, -1)),
            conditions=conditions.states,
            condition_mask=conditions.mask[:, None, None, :] > 0,
            rope=rope_table(positions, width, theta),
            condition_rope=rope_table(conditions.positions, width, theta),
            attention_mask=frame_mask_BT,
            convolution_mask=inner_mask,
        )
        frames, hidden = self._blocks(frames, inputs, taps, query_scale_B)
        velocity = self.final_layer(frames, time).float()
        return (velocity, hidden) if taps else velocity

    def project(self, hidden_BTD: torch.Tensor, index: int) -> torch.Tensor:
        """Hidden frames to features of compared model ``index`` (B, T, features).

        Raises:
            ValueError: when the network was built without projectors.
        """
        if self.projectors is None:
            raise ValueError("this transformer was built without projectors")
        features: torch.Tensor = self.projectors[index](hidden_BTD)
        return features

    def _blocks(
        self, frames: torch.Tensor, inputs: BlockInputs, taps: Collection[int], query_scale_B: torch.Tensor | None
    ) -> tuple[torch.Tensor, dict[int, torch.Tensor]]:
        hidden: dict[int, torch.Tensor] = {}
        for index, block in enumerate(self.transformer_blocks):
            scale = query_scale_B if index in ERG_BLOCKS else None
            if self.checkpointing and torch.is_grad_enabled():
                frames = checkpoint(block, frames, inputs, scale, use_reentrant=False)
            else:
                frames = block(frames, inputs, scale)
            if index in taps:
                hidden[index] = frames
        return frames, hidden
