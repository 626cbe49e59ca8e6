"""Writes a dataset folder that ``datasets.load_from_disk`` opens, in old releases and new.

ACE-Step's own trainer asks for datasets 3.4, and a folder that ``save_to_disk`` of datasets 4 and later makes cannot be
opened by it: lists are described there by a type of another name. So the folder is written here, with pyarrow alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tunesmith.data.content import content_key
from tunesmith.data.layouts.huggingface import INFO, STATE
from tunesmith.errors import TunesmithError
from tunesmith.files import atomic_folder, write_json
from tunesmith.texts import msg

TABLE = "data-00000-of-00001.arrow"
ROWS_AT_ONCE = 1000
TEXT = {"dtype": "string", "_type": "Value"}


def write_dataset(target: Path, rows: Sequence[dict[str, Any]], repeats: int) -> None:
    """Write every row ``repeats`` times, in the order a b c a b c; an earlier dataset of that name is replaced.

    Args:
        target: The folder to make.
        rows: Values by column: texts, ``tags`` as a list, ``recaption`` as texts by name.
        repeats: At least 1.

    Raises:
        TunesmithError: where pyarrow is not installed, or the folder cannot be written.
    """
    try:
        import pyarrow as pa
    except ImportError as error:
        raise TunesmithError(
            msg("a Hugging Face dataset needs pyarrow"),
            where=str(target),
            remedy=msg('Run: pip install "tunesmith[datasets]"'),
        ) from error
    names = sorted({name for row in rows for name in row["recaption"]})
    whole = [{**row, "recaption": {name: row["recaption"].get(name, "") for name in names}} for row in rows]
    features = features_of(names)
    schema = pa.schema(
        [(name, _arrow(pa, feature)) for name, feature in features.items()],
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )
    once = pa.RecordBatch.from_pylist(whole, schema)
    together = min(repeats, max(1, ROWS_AT_ONCE // len(rows)))
    several = pa.RecordBatch.from_pylist(whole * together, schema)
    with atomic_folder(target) as temporary:
        with pa.OSFile(str(temporary / TABLE), "wb") as sink, pa.ipc.new_stream(sink, schema) as stream:
            for _ in range(repeats // together):
                stream.write_batch(several)
            for _ in range(repeats % together):
                stream.write_batch(once)
        write_json(
            temporary / INFO, {"citation": "", "description": "", "features": features, "homepage": "", "license": ""}
        )
        write_json(temporary / STATE, state_of(content_key(*map(json.dumps, whole), repeats)[:16]))


def features_of(recaption: Sequence[str]) -> dict[str, Any]:
    """The columns as ``datasets`` describes them; lists as a ``Sequence``, which every release knows."""
    texts: dict[str, Any] = dict.fromkeys(("keys", "filename"), TEXT)
    texts["tags"] = {"feature": TEXT, "_type": "Sequence"}
    return (
        texts | dict.fromkeys(("speaker_emb_path", "norm_lyrics"), TEXT) | {"recaption": dict.fromkeys(recaption, TEXT)}
    )


def state_of(fingerprint: str) -> dict[str, Any]:
    """The state of a whole, unformatted dataset in one table."""
    return {
        "_data_files": [{"filename": TABLE}],
        "_fingerprint": fingerprint,
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": None,
    }


def _arrow(pa: Any, feature: dict[str, Any]) -> Any:
    if feature == TEXT:
        return pa.string()
    if feature.get("_type") == "Sequence":
        return pa.list_(pa.string())
    return pa.struct([(name, pa.string()) for name in feature])
