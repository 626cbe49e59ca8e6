"""The arguments that Step-Audio-EditX's class takes about loading: done as they mean, or a sentence why not.

There are two releases: over transformers (``quantization_config``, ``torch_dtype``, ``device_map``) and over vLLM
(``quantization``, ``dtype`` and what else :data:`VLLM` names).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunesmith.errors import TunesmithError
from tunesmith.families.base_weights import BaseWeights
from tunesmith.texts import Message, msg

if TYPE_CHECKING:
    import torch

PACKED: dict[str, BaseWeights] = {"int8": "int8", "int4": "nf4"}
"""How upstream calls what the recipe calls ``base_weights``."""
MOST_IDS = 8192
"""Ids that the released model reads and writes together."""
VLLM: dict[str, Any] = {
    "quantization": None,
    "tensor_parallel_size": 1,
    "gpu_memory_utilization": 0.5,
    "max_model_len": MOST_IDS,
    "enforce_eager": False,
    "dtype": "bfloat16",
    "kv_cache_dtype": None,
    "max_num_seqs": None,
    "max_num_batched_tokens": None,
    "cosyvoice_dtype": "float32",
    "cosyvoice_cuda_graph": True,
}
"""Arguments of the release over vLLM, and what they are when they are left out."""
_ONE_REQUEST = msg("one request is answered at a time")
_IDLE = {
    "gpu_memory_utilization": msg("memory is taken as it is needed"),
    "enforce_eager": msg("no CUDA graphs are recorded"),
    "kv_cache_dtype": msg("keys and values are kept in the precision of the LLM"),
    "max_num_seqs": _ONE_REQUEST,
    "max_num_batched_tokens": _ONE_REQUEST,
    "cosyvoice_cuda_graph": msg("no CUDA graphs are recorded"),
}
"""Arguments without effect, and why."""
_DTYPES = ("float32", "bfloat16", "float16")
_FLOW_DTYPES = ("float32", "bfloat16")


@dataclass(frozen=True)
class Loading:
    """How a model is loaded.

    Attributes:
        base_weights: How the LLM's matrices are kept.
        device: Where to work.
        precision: Of each network by name, where it is not the usual one.
        longest: Most ids of prompt and answer together.
        notes: What was asked for and has no effect.
    """

    base_weights: BaseWeights
    device: str
    precision: dict[str, torch.dtype]
    longest: int
    notes: tuple[Message, ...]


def loading(
    quantization_config: str | None, torch_dtype: Any, device_map: Any, device: str | None, vllm: Mapping[str, Any]
) -> Loading:
    """Make one of all that was asked for.

    Args:
        quantization_config: ``int8``, ``int4`` or ``None``.
        torch_dtype: A dtype of torch, its name, or ``None``.
        device_map: A device, or ``None``.
        device: The same by Tunesmith's name.
        vllm: Further arguments by their names in :data:`VLLM`.

    Raises:
        TunesmithError: for an argument that does not exist, and for what cannot be done.
    """
    from tunesmith.families.step_audio.config import FLOW, LLM

    _refuse(vllm)
    chosen = {**VLLM, **vllm}
    if torch_dtype is not None and "dtype" in vllm:
        raise TunesmithError(
            msg("torch_dtype and dtype are the same thing, and both were given"), remedy=msg("Give torch_dtype.")
        )
    wanted = torch_dtype if torch_dtype is not None else vllm.get("dtype")
    given = {
        LLM: ("torch_dtype", wanted, _DTYPES),
        FLOW: ("cosyvoice_dtype", vllm.get("cosyvoice_dtype"), _FLOW_DTYPES),
    }
    precision = {name: _dtype(*parts) for name, parts in given.items() if parts[1] not in (None, "auto")}
    found = _device(device_map, device)
    notes = [*_idle(vllm, chosen), *_unlike_cpu(found, precision)]
    return Loading(_packing(quantization_config), found, precision, int(chosen["max_model_len"]), tuple(notes))


def _refuse(vllm: Mapping[str, Any]) -> None:
    """Refuse arguments that nobody knows, and those of vLLM that nothing here can do."""
    if unknown := [name for name in vllm if name not in VLLM]:
        raise TunesmithError(
            msg("StepAudioTTS takes no argument {names}", names=tuple(unknown)),
            remedy=msg("Beside its own it takes {known}.", known=tuple(VLLM)),
        )
    if vllm.get("quantization"):
        raise TunesmithError(
            msg("{name} weights are read by vLLM alone", name=str(vllm["quantization"])),
            where="quantization",
            remedy=msg("Load the full weights and pack them: quantization_config='int8' or 'int4'."),
        )
    if vllm.get("tensor_parallel_size", 1) != 1:
        raise TunesmithError(
            msg("the model works on one device; its {size} parts are not spread", size=vllm["tensor_parallel_size"]),
            where="tensor_parallel_size",
            remedy=msg("Leave it at 1; quantization_config='int4' needs less memory."),
        )


def _packing(quantization_config: str | None) -> BaseWeights:
    if quantization_config is None:
        return "full"
    if str(quantization_config).lower() not in PACKED:
        raise TunesmithError(
            msg("there is no quantization_config {name!r} here", name=str(quantization_config)),
            remedy=msg("Choose one of {names}, or None.", names=tuple(PACKED)),
        )
    return PACKED[str(quantization_config).lower()]


def _dtype(argument: str, value: Any, known: tuple[str, ...]) -> torch.dtype:
    import torch

    name = str(value).removeprefix("torch.")
    if name not in known:
        raise TunesmithError(
            msg("{argument} cannot be {value!r}", argument=argument, value=name),
            remedy=msg("Choose one of {names}.", names=known),
        )
    dtype: torch.dtype = getattr(torch, name)
    return dtype


def _device(device_map: Any, device: str | None) -> str:
    """The one device that a map names."""
    if device_map is not None and device is not None:
        raise TunesmithError(
            msg("device_map and device are the same thing, and both were given"), remedy=msg("Give device_map.")
        )
    if isinstance(device_map, Mapping):
        places = {str(place) for place in device_map.values()}
        if len(places) != 1:
            raise TunesmithError(
                msg("the model works on one device, and device_map names {places}", places=tuple(sorted(places))),
                where="device_map",
                remedy=msg("Name one device, such as 'cuda:0'."),
            )
        device_map = next(iter(places))
    found = str(device_map if device_map is not None else device or "auto")
    return f"cuda:{found}" if found.isdigit() else found


def _idle(vllm: Mapping[str, Any], chosen: Mapping[str, Any]) -> Iterator[Message]:
    for name, reason in _IDLE.items():
        if name in vllm and chosen[name] != VLLM[name]:
            yield msg("{key} has no effect: {reason}", key=name, reason=reason)


def _unlike_cpu(device: str, precision: Mapping[str, torch.dtype]) -> Iterator[Message]:
    """A note where half precision is asked for on a processor, which always works in float32."""
    import torch

    from tunesmith.run.device import pick_device

    if any(dtype != torch.float32 for dtype in precision.values()) and pick_device(device) == "cpu":
        yield msg("on a CPU everything is computed in float32; the precision that was asked for is a GPU's")
