"""Loads the linguistic tokeniser from the files of stepfun-ai/Step-Audio-Tokenizer."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
import yaml

from tunesmith.errors import TunesmithError
from tunesmith.families.component import build, read_tensors
from tunesmith.families.step_audio.config import PARAFORMER_FOLDER, TOKENIZER_REPOSITORY, TokenIds, Vq02Config, known
from tunesmith.families.step_audio.parts.kmeans import load_centroids
from tunesmith.families.step_audio.parts.vq02 import Vq02, Vq02Encoder
from tunesmith.texts import msg

WEIGHTS, CONFIG, CMVN, CENTROIDS = "model.pt", "config.yaml", "am.mvn", "linguistic_tokenizer.npy"
_PREFIX = "encoder."
_CHUNKS = ("chunk_size", "encoder_chunk_look_back")
"""In Paraformer's own file ``chunk_size`` lists the widths that it was trained with."""
_SHIFT, _SCALE, _VALUES = "<AddShift>", "<Rescale>", "<LearnRateCoef>"
_AGAIN = msg("Download {repository} again.", repository=TOKENIZER_REPOSITORY)


def load_vq02(folder: Path, ids: TokenIds) -> Vq02:
    """The linguistic tokeniser of a folder that holds Step-Audio-Tokenizer; frozen, on the CPU.

    Args:
        folder: With :data:`CENTROIDS` and Paraformer's folder in it.
        ids: The checkpoint's ids, for the number of codes.

    Raises:
        TunesmithError: naming the file that is missing, unreadable, or does not fit the others.
    """
    paraformer = folder / PARAFORMER_FOLDER
    config = read_config(paraformer / CONFIG)
    encoder = load_encoder(paraformer / WEIGHTS, config)
    cmvn = read_cmvn(paraformer / CMVN, config.n_mels * config.lfr_m)
    return Vq02(encoder, cmvn, load_centroids(folder / CENTROIDS, ids.vq02, config.output_size))


def read_config(file: Path) -> Vq02Config:
    """The encoder's sizes from FunASR's ``config.yaml``; how it is cut into chunks is the tokeniser's own choice.

    Raises:
        TunesmithError: when the file is absent, no YAML mapping, or of another encoder.
    """
    try:
        raw = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        what = (
            msg("the config of Paraformer is missing")
            if isinstance(error, FileNotFoundError)
            else msg("the config of Paraformer cannot be read ({error})", error=error)
        )
        raise TunesmithError(what, where=str(file), remedy=_AGAIN) from error
    sizes = {**_section(raw, "frontend_conf", file), **_section(raw, "encoder_conf", file)}
    return known(Vq02Config, {name: value for name, value in sizes.items() if name not in _CHUNKS})


def load_encoder(file: Path, config: Vq02Config) -> Vq02Encoder:
    """The encoder with its weights out of a whole Paraformer: frozen, in eval mode, fp32, on the CPU.

    Args:
        file: FunASR's ``model.pt`` (read with ``weights_only``) or ``.safetensors``.
        config: Its sizes.

    Raises:
        TunesmithError: when the file is absent or unreadable, or naming the tensors that are missing, unknown or of
            another shape.
    """
    return build(lambda: Vq02Encoder(config), read_tensors(file, _PREFIX), file)


def read_cmvn(file: Path, width: int) -> torch.Tensor:
    """Shift and scale of the features (2, ``width``) float32, from Kaldi's text form ``am.mvn``.

    The line after ``<AddShift>`` holds the one, that after ``<Rescale>`` the other, between square brackets.

    Raises:
        TunesmithError: when the file is absent, or does not hold ``width`` numbers of each.
    """
    try:
        lines = [line.split() for line in file.read_text("utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise TunesmithError(
            msg("the file of Paraformer's feature statistics cannot be read ({error})", error=error),
            where=str(file),
            remedy=_AGAIN,
        ) from error
    found = {
        line[0]: following[following.index("[") + 1 : following.index("]")]
        for line, following in pairwise(lines)
        if line and line[0] in (_SHIFT, _SCALE) and following[:1] == [_VALUES] and {"[", "]"} <= set(following)
    }
    try:
        rows = [[float(number) for number in found[name]] for name in (_SHIFT, _SCALE)]
        table = torch.tensor(rows, dtype=torch.float32)
        if table.shape == (2, width):
            return table
        what = msg(
            "Paraformer's feature statistics hold {shift_count} values of {shift} and {scale_count} of {scale}, not "
            "{width} of each",
            shift_count=len(rows[0]),
            shift=_SHIFT,
            scale_count=len(rows[1]),
            scale=_SCALE,
            width=width,
        )
    except KeyError as error:
        what = msg("Paraformer's feature statistics hold no values of {label}", label=error.args[0])
    except ValueError as error:
        what = msg(
            "Paraformer's feature statistics hold something that is no table of numbers ({error})", error=str(error)
        )
    raise TunesmithError(what, where=str(file), remedy=_AGAIN)


def _section(raw: Any, name: str, file: Path) -> dict[str, Any]:
    section = raw.get(name) if isinstance(raw, dict) else None
    if not isinstance(section, dict):
        raise TunesmithError(
            msg("the config of Paraformer has no section {section}", section=name), where=str(file), remedy=_AGAIN
        )
    return section
