"""The flow of Step-Audio-EditX: speech tokens, a speaker and a prompt's mel to the velocity of the whole mel.

Shapes: B items, T tokens (25 Hz), F = T * up_stride mel frames (50 Hz), C mel channels (80), E speaker features (192).

Source: ``cosyvoice2/flow/flow.py`` of Step-Audio-EditX, after "CosyVoice 2" (Du et al. 2024); its tensor names and
shapes are kept exactly.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from tunesmith.families.step_audio.config import EstimatorConfig, FlowConfig
from tunesmith.families.step_audio.parts.dit import DiT
from tunesmith.families.step_audio.parts.flow_encoder import FlowEncoder


class DualCodebookEmbedding(nn.Module):
    """One table for both columns of the tokens; each gives half of the features."""

    def __init__(self, rows: int, features: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(rows, features // 2)

    def forward(self, tokens_BT2: torch.Tensor) -> torch.Tensor:
        """(B, T, 2) to (B, T, features)."""
        out: torch.Tensor = self.embedding(tokens_BT2).flatten(2)
        return out


class FlowDecoder(nn.Module):
    """Holds the velocity network under upstream's name."""

    def __init__(self, config: EstimatorConfig) -> None:
        super().__init__()
        self.estimator = DiT(config)


class Flow(nn.Module):
    """Conditions (``input_embedding``, ``encoder``, ``encoder_proj``, ``spk_embed_affine_layer``) and ``decoder``.

    Args:
        config: Sizes.
    """

    def __init__(self, config: FlowConfig) -> None:
        super().__init__()
        self.config = config
        self.input_embedding = DualCodebookEmbedding(config.vocab_size, config.input_size)
        self.spk_embed_affine_layer = nn.Linear(config.spk_embed_dim, config.output_size)
        self.encoder = FlowEncoder(config.encoder)
        self.encoder_proj = nn.Linear(config.encoder.output_size, config.output_size)
        self.decoder = FlowDecoder(config.estimator)

    def mu(self, tokens_BT2: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What the tokens say of every mel frame.

        Args:
            tokens_BT2: Rows of the table, right-padded with any; the first column holds vq02 codes, or their number
                for none, the second vq06 codes after that.
            lengths_B: Valid tokens of every item, at least 1.

        Returns:
            (B, F, C) fp32, 0 past the end of an item, and the mask (B, F), True where a frame is valid. Padding
            changes no valid frame.
        """
        tokens = tokens_BT2.shape[1]
        lengths = lengths_B.to(tokens_BT2.device)
        mask = torch.arange(tokens, device=lengths.device) < lengths[:, None]
        padded = bool((lengths < tokens).any())
        embedded = self.input_embedding(tokens_BT2)
        if padded:
            embedded = embedded * mask[..., None]
        mu = self.encoder_proj(self.encoder(embedded, mask if padded else None)).float()
        frames = mask.repeat_interleave(self.config.encoder.up_stride, dim=1)
        return (mu * frames[..., None] if padded else mu), frames

    def speaker(self, embedding_BE: torch.Tensor) -> torch.Tensor:
        """Speaker vectors (B, E) of any length to (B, C) fp32."""
        unit = F.normalize(embedding_BE.float(), dim=1).to(self.spk_embed_affine_layer.weight.dtype)
        out: torch.Tensor = self.spk_embed_affine_layer(unit).float()
        return out

    def velocity(
        self,
        x_BCF: torch.Tensor,
        mask_B1F: torch.Tensor | None,
        mu_BCF: torch.Tensor,
        time_B: torch.Tensor,
        spk_BC: torch.Tensor,
        cond_BCF: torch.Tensor,
    ) -> torch.Tensor:
        """Velocity (B, C, F) of noisy mel, see :meth:`DiT.forward`; ``mu_BCF`` is :meth:`mu`, transposed."""
        out: torch.Tensor = self.decoder.estimator(x_BCF, mask_B1F, mu_BCF, time_B, spk_BC, cond_BCF)
        return out
