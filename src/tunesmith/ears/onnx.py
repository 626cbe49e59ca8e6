"""Networks in ONNX, on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunesmith.errors import TunesmithError
from tunesmith.texts import msg


def session(path: Path, threads: int = 1) -> Any:
    """An onnxruntime session.

    Args:
        path: The network.
        threads: Of one run; 0 for one per core.

    Raises:
        TunesmithError: when the file holds no network.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads, options.intra_op_num_threads = 1, threads
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has no common base of its own errors
        raise TunesmithError(
            msg("these weights cannot be read ({reason})", reason=type(error).__name__), where=str(path)
        ) from error
