"""Reads and writes the flow's weights: ``flow.pt`` of a checkpoint, or the same tensors in safetensors.

Sizes come from the tensors; what ``cosyvoice.yaml`` says besides must agree with them, else a file cut short would
pass for a smaller network.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import torch

from tunesmith.adapters.tensors import write_tensors
from tunesmith.errors import TunesmithError
from tunesmith.families.component import build, read_tensors
from tunesmith.families.step_audio.config import EstimatorConfig, FlowConfig, FlowEncoderConfig
from tunesmith.families.step_audio.parts.flow import Flow
from tunesmith.files import atomic_path
from tunesmith.texts import Message, in_turn, msg

FLOW_FILE = "flow.pt"


def load_flow(file: Path, known: FlowConfig | None = None) -> Flow:
    """The flow with its weights: frozen, in eval mode, fp32, on the CPU.

    Args:
        file: ``flow.pt`` or ``.safetensors``.
        known: What ``cosyvoice.yaml`` says; without it the values that shape no tensor are the released model's.

    Raises:
        TunesmithError: when the file is absent or unreadable, is no flow, or naming the sizes that contradict
            ``known`` and the tensors that are missing, of another shape, or unknown.
    """
    tensors = read_tensors(file)
    config = infer_config(tensors, known or FlowConfig(), file)
    if known is not None:
        differing = list(_differences(known, config))
        if differing:
            raise TunesmithError(
                msg("these weights are not those of the config: {differences}", differences=in_turn(differing[:3])),
                where=str(file),
                remedy=msg("Download the file again, or put the cosyvoice.yaml that belongs to it beside it."),
            )
    return build(lambda: Flow(config), tensors, file)


def save_flow(flow: Flow, file: Path, dtype: torch.dtype) -> None:
    """Write every tensor of the flow under upstream's name, as upstream's loader reads it.

    Args:
        flow: With adapters merged, else their names are in the file.
        file: ``.safetensors``, or anything else for ``torch.save``.
        dtype: Of the floating-point tensors.

    Raises:
        TunesmithError: when the file cannot be written.
    """
    # Own storages: a view would bring all of its storage into the file.
    state = {name: tensor.detach().cpu().to(dtype).clone() for name, tensor in flow.state_dict().items()}
    if file.suffix == ".safetensors":
        write_tensors(file, state)
        return
    with atomic_path(file) as temporary:
        torch.save(state, temporary)


def infer_config(tensors: Mapping[str, torch.Tensor], rest: FlowConfig, where: Path) -> FlowConfig:
    """The config that these tensors have the shapes of.

    Args:
        tensors: Weights by upstream's names.
        rest: Gives the values that shape no tensor.
        where: Their file, for messages.

    Raises:
        TunesmithError: when a tensor that tells a size is missing or has other dimensions than it should.
    """
    try:
        rows, half = tensors["input_embedding.embedding.weight"].shape
        mel, speaker = tensors["spk_embed_affine_layer.weight"].shape
        return replace(
            rest,
            input_size=2 * half,
            output_size=mel,
            spk_embed_dim=speaker,
            vocab_size=rows,
            encoder=_encoder(tensors, rest.encoder),
            estimator=_estimator(tensors, rest.estimator),
        )
    except (KeyError, ValueError) as error:
        what = (
            msg("these are not the weights of a Step-Audio flow: {tensor!r} is missing", tensor=error.args[0])
            if isinstance(error, KeyError)
            else msg(
                "these are not the weights of a Step-Audio flow: a tensor has other dimensions ({error})", error=error
            )
        )
        raise TunesmithError(
            what,
            where=str(where),
            remedy=msg("Use the {file} of a Step-Audio-EditX checkpoint.", file=FLOW_FILE),
        ) from error


def _encoder(tensors: Mapping[str, torch.Tensor], rest: FlowEncoderConfig) -> FlowEncoderConfig:
    width, features = tensors["encoder.embed.out.0.weight"].shape
    _, _, look_ahead = tensors["encoder.pre_lookahead_layer.conv1.weight"].shape
    _, _, up_kernel = tensors["encoder.up_layer.conv.weight"].shape
    heads, _ = tensors["encoder.encoders.0.self_attn.pos_bias_u"].shape
    units, _ = tensors["encoder.encoders.0.feed_forward.w_1.weight"].shape
    stride = up_kernel // 2
    return replace(
        rest,
        input_size=features,
        output_size=width,
        pre_lookahead_len=look_ahead - 1,
        num_blocks=_count(tensors, "encoder.encoders."),
        num_up_blocks=_count(tensors, "encoder.up_encoders."),
        up_stride=stride,
        up_scale_factor=stride,
        attention_heads=heads,
        linear_units=units,
        key_bias="encoder.encoders.0.self_attn.linear_k.bias" in tensors,
    )


def _estimator(tensors: Mapping[str, torch.Tensor], rest: EstimatorConfig) -> EstimatorConfig:
    prefix = "decoder.estimator."
    width, channels = tensors[f"{prefix}in_proj.weight"].shape
    mel, _ = tensors[f"{prefix}final_layer.linear.weight"].shape
    hidden, _ = tensors[f"{prefix}blocks.0.mlp.fc1.weight"].shape
    inner, _ = tensors[f"{prefix}blocks.0.attn.to_q.weight"].shape
    (head,) = tensors[f"{prefix}blocks.0.attn.q_norm.weight"].shape
    return replace(
        rest,
        in_channels=channels,
        out_channels=mel,
        # Several ratios round to one width; the known one stands if it is among them.
        mlp_ratio=rest.mlp_ratio if int(width * rest.mlp_ratio) == hidden else hidden / width,
        depth=_count(tensors, f"{prefix}blocks."),
        num_heads=inner // head,
        head_dim=head,
        hidden_size=width,
    )


def _count(tensors: Mapping[str, torch.Tensor], prefix: str) -> int:
    numbered = re.compile(re.escape(prefix) + r"(\d+)\.")
    return 1 + max((int(found[1]) for name in tensors if (found := numbered.match(name))), default=-1)


def _differences(known: Any, found: Any, path: str = "") -> Iterator[Message]:
    for item in fields(known):
        ours, theirs, key = getattr(known, item.name), getattr(found, item.name), f"{path}{item.name}"
        if is_dataclass(ours):
            yield from _differences(ours, theirs, f"{key}.")
        elif ours != theirs:
            yield msg(
                "{key} is {in_config} in the config and {in_weights} in the weights",
                key=key,
                in_config=str(ours),
                in_weights=str(theirs),
            )
