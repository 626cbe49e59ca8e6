"""Imported once by the process that commands are forked from: the libraries and the whole of Tunesmith."""

from __future__ import annotations

import importlib
import pkgutil

import diffusers
import matplotlib.figure
import peft
import soundfile
import torch
import transformers

import tunesmith

__all__ = ["diffusers", "matplotlib", "peft", "soundfile", "torch", "transformers"]

torch.set_num_threads(1)
for _module in pkgutil.walk_packages(tunesmith.__path__, "tunesmith."):
    if not _module.name.endswith("__main__"):
        try:
            importlib.import_module(_module.name)
        except ImportError:  # needs a library that is not installed here, as it would in a command
            continue
