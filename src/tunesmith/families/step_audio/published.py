"""Cards of the published checkpoint, for planning before gigabytes are downloaded, and of local ones."""

from __future__ import annotations

from pathlib import Path

from tunesmith.families.contract import ModelCard
from tunesmith.families.step_audio.config import LICENCE, REPOSITORY, SAMPLE_RATE, FlowConfig, Step1Config
from tunesmith.families.step_audio.sizes import MEL_RATE, flow_parameters, llm_parameters, transformer_shape

FROZEN = 20_806_557 + 157_975_648 + 130_000_000 + 7_000_000
"""Parameters of HiFT, vq02's encoder and, by their files' sizes, of vq06 and CAM++."""
FROZEN_FILES = ("hift.pt", "campplus.onnx", "small_frontend.safetensors")
CHECKPOINT_BYTES = 9_300_000_000
MAX_SECONDS = 30.0


def published_card(path: str) -> ModelCard | None:
    """The card of ``stepfun-ai/Step-Audio-EditX``; ``None`` for anything else."""
    if path != REPOSITORY:
        return None
    return _card(
        "step_audio",
        path,
        LICENCE,
        (Step1Config(), FlowConfig()),
        FROZEN,
        CHECKPOINT_BYTES,
        ("sizes as published; the checkpoint itself has not been read",),
    )


def card_of(
    name: str, path: str, licence: str, configs: tuple[Step1Config, FlowConfig], folder: Path, flow: Path
) -> ModelCard:
    """The card of a checkpoint that is here; its front ends count by their files (4 bytes a parameter)."""
    weights = [*folder.glob("*.safetensors"), *flow.glob("*.pt"), *flow.glob("*.onnx")]
    total = sum(file.stat().st_size for file in weights)
    frozen = sum(file.stat().st_size for file in weights if file.name in FROZEN_FILES)
    return _card(name, path, licence, configs, frozen // 4, total, ())


def _card(
    name: str,
    path: str,
    licence: str,
    configs: tuple[Step1Config, FlowConfig],
    frozen: int,
    weights_bytes: int,
    notes: tuple[str, ...],
) -> ModelCard:
    llm, flow = configs
    trained = llm_parameters(llm) + flow_parameters(flow)
    return ModelCard(
        family=name,
        path=path,
        licence=licence,
        sample_rate=SAMPLE_RATE,
        channels=1,
        frame_rate=float(MEL_RATE),
        max_seconds=MAX_SECONDS,
        parameters=trained + frozen,
        trained_parameters=trained,
        weights_bytes=weights_bytes,
        shape=transformer_shape(llm),
        notes=notes,
    )
