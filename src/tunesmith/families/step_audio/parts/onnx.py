"""Networks that ship only as ONNX files, run on the CPU by onnxruntime (the extra ``step-audio``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tunesmith.errors import TunesmithError
from tunesmith.families.extras import require
from tunesmith.texts import Message, msg

EXTRA = "step-audio"
THREADS = 1
"""Threads inside one operation: several sessions share the cores, and results do not depend on how many there are."""


@dataclass(frozen=True)
class OnnxFile:
    """A published ONNX file.

    Attributes:
        name: What the network is called at the start of a sentence.
        repository: On the Hugging Face hub.
        path: In the repository.
        size: About how large, for people.
        licence: Of the repository.
    """

    name: Message
    repository: str
    path: str
    size: str
    licence: str


class OnnxSession:
    """A loaded network.

    Args:
        file: Where it lies.
        published: Its name and where it is to be had, for messages.
        inputs: How many inputs it must have.
        threads: Threads inside one operation.

    Raises:
        TunesmithError: when onnxruntime is not installed, or the file is absent, unreadable, or has other inputs.
    """

    def __init__(self, file: Path, published: OnnxFile, *, inputs: int, threads: int = THREADS) -> None:
        self.file = file
        if not file.is_file():
            raise TunesmithError(
                msg("{network} is missing", network=published.name),
                where=str(file),
                remedy=msg(
                    "Download {path} of {repository} (about {size}, {licence}) to there.",
                    path=published.path,
                    repository=published.repository,
                    size=published.size,
                    licence=published.licence,
                ),
            )
        runtime = require("onnxruntime", EXTRA, published.name)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        try:
            self._session = runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own classes derive from nothing narrower
            raise TunesmithError(
                msg(
                    "{network} cannot be loaded ({error})",
                    network=published.name,
                    error=_first_line(error),
                ),
                where=str(file),
                remedy=msg(
                    "Download {path} of {repository} again.", path=published.path, repository=published.repository
                ),
            ) from error
        self.input_names = [item.name for item in self._session.get_inputs()]
        if len(self.input_names) != inputs:
            raise TunesmithError(
                msg(
                    "this network has {count} inputs, {network} has {expected}",
                    count=len(self.input_names),
                    network=published.name,
                    expected=inputs,
                ),
                where=str(file),
                remedy=msg(
                    "Download {path} of {repository} again.", path=published.path, repository=published.repository
                ),
            )

    def __call__(self, *arrays: np.ndarray) -> Sequence[np.ndarray]:
        """Outputs of the network for its inputs in order.

        Raises:
            TunesmithError: when an input does not fit the network.
        """
        try:
            outputs: Sequence[np.ndarray] = self._session.run(None, dict(zip(self.input_names, arrays, strict=True)))
        except Exception as error:  # as above
            raise TunesmithError(
                msg("the network refused its input ({error})", error=_first_line(error)),
                where=str(self.file),
                remedy=msg("Check that this file is the published one."),
            ) from error
        return outputs


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
