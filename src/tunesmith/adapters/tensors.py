"""Tensors in files: written whole or not at all, read with a reason where they cannot be."""

from __future__ import annotations

import json
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from tunesmith.errors import TunesmithError, message_of
from tunesmith.files import atomic_path
from tunesmith.texts import Message, msg

_THIS_FILE, _WEIGHTS = msg("this file"), msg("these weights")
_AGAIN = msg("Download the checkpoint again.")


def write_tensors(file: Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Write a file as PEFT, diffusers and transformers do.

    Args:
        file: Its path.
        tensors: By name; taken as they are but for being made contiguous on the CPU.
        metadata: Of the header, beside the format that every such file names.
    """
    from safetensors.torch import save_file

    ready = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with atomic_path(file) as temporary:
        save_file(ready, temporary, metadata={"format": "pt", **(metadata or {})})
        if metadata:
            _sort_metadata(temporary)


def _sort_metadata(file: Path) -> None:
    """Put the entries of a header's metadata in order; safetensors hashes them, so that each process has another."""
    with file.open("r+b") as opened:
        length = int.from_bytes(opened.read(8), "little")
        header = json.loads(opened.read(length))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
        if len(text) <= length:
            opened.seek(8)
            opened.write(text.ljust(length))


def read_tensors(file: Path, what: Message = _THIS_FILE) -> dict[str, torch.Tensor]:
    """Read a file onto the CPU.

    Args:
        file: Its path.
        what: What it holds, for the message: ``this adapter``.

    Raises:
        TunesmithError: when it is damaged.
    """
    remedy = msg("Take another checkpoint.")
    if file.suffix != ".safetensors":
        return read_pickled(file, what, remedy)
    with opened_tensors(file, what, remedy) as tensors:
        return {name: tensors.get_tensor(name) for name in tensors.keys()}  # noqa: SIM118 - not a mapping


@contextmanager
def opened_tensors(file: Path, what: Message = _WEIGHTS, remedy: Message = _AGAIN) -> Iterator[Any]:
    """A safetensors file, open for reading single tensors (``keys``, ``get_slice``, ``get_tensor``).

    Args:
        file: Its path.
        what: What it holds, for the message.
        remedy: What to do about one that is missing or damaged.

    Raises:
        TunesmithError: when the file is missing or damaged.
    """
    from safetensors import SafetensorError, safe_open

    _refuse_missing(file, remedy)
    try:
        with safe_open(file, framework="pt") as tensors:
            yield tensors
    except SafetensorError as error:
        raise _unreadable(file, error, what, remedy) from error
    except OSError as error:
        if error.errno is not None:  # the system's own words have a number; the library's, of an empty file, do not
            raise
        raise _unreadable(file, error, what, remedy) from error


def read_pickled(file: Path, what: Message = _WEIGHTS, remedy: Message = _AGAIN) -> dict[str, torch.Tensor]:
    """Tensors by name of what ``torch.save`` wrote: read without running code, and left on the disk where they can be.

    Raises:
        TunesmithError: when the file is missing or damaged, or holds no tensors by name.
    """
    _refuse_missing(file, remedy)
    try:
        # Files older than torch 1.6 are no archives, which alone can be mapped into memory.
        loaded = unpickled(file, mmap=zipfile.is_zipfile(file))
    except ValueError as error:
        raise _unreadable(file, error, what, remedy) from error
    # Some trainers keep more beside the weights; FunASR's loader takes either form.
    tensors = loaded.get("state_dict", loaded) if isinstance(loaded, dict) else None
    if not isinstance(tensors, Mapping):
        raise TunesmithError(
            msg("this file holds no weights by name"), where=str(file), remedy=msg("Take the checkpoint's own file.")
        )
    return {str(name): tensor for name, tensor in tensors.items() if isinstance(tensor, torch.Tensor)}


def unpickled(file: Path, *, mmap: bool = False) -> Any:
    """What ``torch.save`` wrote, on the CPU, read without running code.

    Args:
        file: Its path.
        mmap: Leave the tensors on the disk until they are used.

    Raises:
        OSError: when the system refuses to read the file.
        ValueError: when the file is damaged, or holds more than plain values and tensors.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a damaged file's own protocol
            return torch.load(file, map_location="cpu", weights_only=True, mmap=mmap)
    except UnpicklingError as error:
        # Torch's own words go on for lines and recommend to switch the safe reading off.
        raise ValueError(msg("it holds something other than tensors")) from error
    except Exception as error:  # a damaged pickle fails wherever its instructions happen to lead
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ValueError(str(error).strip().partition("\n")[0] or type(error).__name__) from error


def _refuse_missing(file: Path, remedy: Message) -> None:
    if not file.is_file():
        raise TunesmithError(msg("these weights are missing"), where=str(file), remedy=remedy)


def _unreadable(file: Path, error: Exception, what: Message, remedy: Message) -> TunesmithError:
    said = msg("{what} cannot be read ({error})", what=what, error=message_of(error))
    return TunesmithError(said, where=str(file), remedy=remedy)
