"""Cards of the published checkpoint, for planning before gigabytes are downloaded, and of local ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tunesmith.families.base_weights import packed_size
from tunesmith.families.contract.card import ModelCard, PhaseSpec
from tunesmith.families.step_audio import sizes
from tunesmith.families.step_audio.config import FLOW, LICENCE, REPOSITORY, SAMPLE_RATE, FlowConfig, Step1Config
from tunesmith.families.step_audio.settings import StepAudioSettings

FAMILY = "step_audio"
FROZEN = 20_806_557 + 157_975_648 + 130_000_000 + 7_000_000
"""Parameters of HiFT, vq02's encoder and, by their files' sizes, of vq06 and CAM++."""
FROZEN_FILES = ("hift.pt", "campplus.onnx", "small_frontend.safetensors")
CHECKPOINT_BYTES = 9_300_000_000
MAX_SECONDS = 30.0


def published_card(path: str, settings: StepAudioSettings, stages: Sequence[PhaseSpec]) -> ModelCard | None:
    """The card of ``stepfun-ai/Step-Audio-EditX`` in a run of these settings; ``None`` for anything else."""
    if path != REPOSITORY:
        return None
    return _card(
        (path, LICENCE),
        (Step1Config(), FlowConfig()),
        (settings, stages),
        (FROZEN, CHECKPOINT_BYTES),
        ("sizes as published; the checkpoint itself has not been read",),
    )


def card_of(
    path: str,
    licence: str,
    configs: tuple[Step1Config, FlowConfig],
    run: tuple[StepAudioSettings, Sequence[PhaseSpec]],
    folders: tuple[Path, Path],
) -> ModelCard:
    """The card of a checkpoint that is here; its front ends count by their files (4 bytes a parameter).

    Args:
        path: Hub id or folder.
        licence: Of its weights.
        configs: Sizes of both networks.
        run: Settings and stages.
        folders: Of the checkpoint and of its flow.
    """
    folder, flow = folders
    weights = [*folder.glob("*.safetensors"), *flow.glob("*.pt"), *flow.glob("*.onnx")]
    total = sum(file.stat().st_size for file in weights)
    frozen = sum(file.stat().st_size for file in weights if file.name in FROZEN_FILES)
    return _card((path, licence), configs, run, (frozen // 4, total), ())


def _card(
    named: tuple[str, str],
    configs: tuple[Step1Config, FlowConfig],
    run: tuple[StepAudioSettings, Sequence[PhaseSpec]],
    rest: tuple[int, int],
    notes: tuple[str, ...],
) -> ModelCard:
    (path, licence), (llm, flow), (settings, stages), (frozen, weights_bytes) = named, configs, run, rest
    both, idle = sizes.llm_parameters(llm) + sizes.flow_parameters(flow), 0
    packed_parameters, packed_bytes = packed_size(sizes.packable(llm), settings.base_weights)
    if settings.train == FLOW:  # the LLM is not loaded
        idle, packed_parameters, packed_bytes = sizes.llm_parameters(llm), 0, 0
    frame_bytes, text_bytes = sizes.cached_bytes(flow, settings)
    return ModelCard(
        family=FAMILY,
        path=path,
        licence=licence,
        sample_rate=SAMPLE_RATE,
        channels=1,
        frame_rate=float(sizes.MEL_RATE),
        max_seconds=MAX_SECONDS,
        parameters=both + frozen,
        trained_parameters=both,
        weights_bytes=weights_bytes,
        notes=notes,
        shapes=sizes.shapes(llm, flow, settings),
        stages=tuple(stages),
        packed_parameters=packed_parameters,
        packed_bytes=packed_bytes,
        frame_bytes=frame_bytes,
        text_bytes=text_bytes,
        idle_parameters=idle,
    )
