"""The two networks of a checkpoint, each by itself, so that one can be loaded without the other."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from tunesmith.families.base_weights import BaseWeights
from tunesmith.families.step_audio.config import FLOW, LLM, FlowConfig, Step1Config
from tunesmith.families.step_audio.parts.flow import Flow
from tunesmith.families.step_audio.parts.flow_weights import load_flow
from tunesmith.families.step_audio.parts.step1 import Step1ForCausalLM
from tunesmith.families.step_audio.parts.step1_weights import load_step1


def without_weights(llm: Step1Config, flow: FlowConfig) -> dict[str, nn.Module]:
    """Both on the meta device: names and shapes."""
    with torch.device("meta"):
        return {
            LLM: Step1ForCausalLM(llm).requires_grad_(False),
            FLOW: Flow(flow).requires_grad_(False),
        }


def read_network(name: str, folder: Path, flow_folder: Path, flow: FlowConfig, base_weights: BaseWeights) -> nn.Module:
    """One network as its files have it, on the CPU: the LLM in their precision, the flow in fp32.

    Args:
        name: ``llm`` or ``flow``.
        folder: The LLM's.
        flow_folder: The flow's.
        flow: What its ``cosyvoice.yaml`` says.
        base_weights: How to keep the matrices of the LLM's layers.

    Raises:
        TunesmithError: when its files are absent, unreadable or do not fit.
    """
    if name == FLOW:
        return load_flow(flow_folder / "flow.pt", flow)
    return load_step1(folder, base_weights=base_weights)
