"""The networks that train: the LLM over audio codes, and the flow that makes them sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tunesmith.families.contract import Networks, PhaseSpec
from tunesmith.families.step_audio.checkpoint import StepAudioCheckpoint
from tunesmith.families.step_audio.config import FLOW, LLM

if TYPE_CHECKING:
    from torch import nn


class StepAudioNetworks(Networks):
    """LLM and flow."""

    names = (LLM, FLOW)
    full_precision = (FLOW,)

    def __init__(self, checkpoint: StepAudioCheckpoint) -> None:
        self.checkpoint = checkpoint

    def load(self, names: Sequence[str] | None = None, *, meta: bool = False) -> dict[str, nn.Module]:
        """LLM and flow, or one of them; the LLM in the precision of its files, the flow in fp32."""
        from tunesmith.families.step_audio.loading import read_network, without_weights

        checkpoint, wanted = self.checkpoint, self.names if names is None else names
        if meta:
            both = without_weights(*checkpoint.configs)
            return {name: both[name] for name in wanted}
        flow, packing = checkpoint.configs[1], checkpoint.settings.base_weights
        return {name: read_network(name, checkpoint.folder, checkpoint.flow_folder, flow, packing) for name in wanted}

    def in_training(self) -> tuple[str, ...]:
        """Both; to train the flow the flow alone, since it can speak codes that recordings have."""
        return (FLOW,) if self.checkpoint.settings.train == FLOW else self.names

    def phases(self) -> tuple[PhaseSpec, ...]:
        """LLM, flow, then both together at a tenth of the learning rate; untrained ones are empty."""
        both = (
            PhaseSpec(LLM, (LLM,), share=25),
            PhaseSpec(FLOW, (FLOW,), share=25),
            PhaseSpec("joint", (LLM, FLOW), share=5, lr_factor=0.1),
        )
        if self.checkpoint.settings.train == "both":
            return both
        return tuple(
            spec if spec.name in self.checkpoint.trained else PhaseSpec(spec.name, (), share=0) for spec in both
        )

    def repeated_blocks(self, name: str, network: nn.Module) -> Sequence[nn.Module]:
        """The LLM's layers, or the blocks of the flow's estimator."""
        from tunesmith.adapters.attach import unwrap_peft

        inner = unwrap_peft(network)
        blocks: Sequence[nn.Module] = inner.model.layers if name == LLM else inner.decoder.estimator.blocks
        return blocks

    def enable_checkpointing(self, networks: Mapping[str, nn.Module]) -> None:
        """Recompute the blocks of the networks in the backward pass."""
        from tunesmith.adapters.attach import unwrap_peft

        if LLM in networks:
            unwrap_peft(networks[LLM]).gradient_checkpointing = True
        if FLOW in networks:
            unwrap_peft(networks[FLOW]).decoder.estimator.gradient_checkpointing = True
