"""The example voice that ships: clips with transcripts to fine-tune on, and edit pairs of it to mix in."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tools.pocket.step_audio.edits import EDITS, Edit, other_side
from tools.pocket.step_audio.espeak import NEW_VOICE, Wave, speak
from tools.pocket.step_audio.sentences import draw_sentence
from tunesmith.data.item_rng import ItemRng
from tunesmith.families.step_audio.config import SAMPLE_RATE
from tunesmith.files import atomic_path, write_json, write_text

VOICE, PAIRS = "voice", "edits"
"""Folders in ``examples/``: the clips with ``metadata.json``, the pairs with ``edits.jsonl``."""
CLIPS, PAIRS_EACH = 40, 2
_LEAST_WORDS = 4


def write_examples(folder: Path, clips: int = CLIPS, pairs_each: int = PAIRS_EACH) -> list[Path]:
    """Synthesise the example voice, which no training of the base has heard, into ``folder`` as 16-bit FLAC.

    Args:
        folder: Gets ``voice/`` and ``edits/``.
        clips: Of the voice.
        pairs_each: Pairs of every edit.

    Raises:
        TunesmithError: when espeak-ng is missing or the folder cannot be written.
    """
    used: set[str] = set()
    rows, paths = [], []
    for number in range(clips):
        text = _sentence(number, "voice", used)
        path = folder / VOICE / "train" / f"{NEW_VOICE.name}-{number + 1:02d}.flac"
        _write(path, speak(text, NEW_VOICE))
        paths.append(path)
        rows.append({"audio": f"train/{path.name}", "text": text, "speaker_id": NEW_VOICE.name})
    write_json(folder / VOICE / "metadata.json", rows)
    lines = []
    for edit in EDITS:
        for number in range(pairs_each):
            line, written = _pair(folder / PAIRS, edit, number, used)
            lines.append(json.dumps(line))
            paths += written
    write_text(folder / PAIRS / "edits.jsonl", "\n".join(lines) + "\n")
    return paths


def _pair(folder: Path, edit: Edit, number: int, used: set[str]) -> tuple[dict[str, str], list[Path]]:
    """One line of the pairs, and its two files."""
    name = "-".join(filter(None, (edit.kind, edit.info, str(number + 1))))
    text = _sentence(number, name, used)
    plain = speak(text, NEW_VOICE)
    other = other_side(edit, text, NEW_VOICE, plain, ItemRng(0, number, name).generator("spoil"))
    source, target = (other, plain) if edit.spoilt else (plain, other)
    paths = [folder / f"{name}-{side}.flac" for side in ("source", "target")]
    for path, wave in zip(paths, (source, target), strict=True):
        _write(path, wave)
    line = {
        "prompt_audio_path": paths[0].name, "target_audio_path": paths[1].name, "prompt_text": text,
        "target_text": text, "edit_type": edit.kind, "edit_info": edit.info, "speaker_id": NEW_VOICE.name,
    }  # fmt: skip
    return {key: value for key, value in line.items() if value}, paths


def _sentence(number: int, purpose: str, used: set[str]) -> str:
    """A sentence of four words or more that was not used before."""
    rng = ItemRng(0, number, "examples").generator(purpose)
    while True:
        text = draw_sentence(rng)
        if len(text.split()) >= _LEAST_WORDS and text not in used:
            used.add(text)
            return text


def _write(path: Path, wave: Wave) -> None:
    import soundfile

    with atomic_path(path) as temporary:
        soundfile.write(temporary, np.clip(wave, -1, 1), SAMPLE_RATE, subtype="PCM_16", compression_level=1.0)
