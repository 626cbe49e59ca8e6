"""Broken lists and texts beside clips: nesting, encodings, wrong types, paths that lead away."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bad_input_cases.case import Case, tunesmith
from bad_input_cases.finished import Finished

NEW = ("new", "a", "--from", "d", "--model", "pocket", "--preset", "pocket-demo")
GOOD: dict[str, Any] = {"audio": "c0.wav", "text": "808 beat"}
VALUES: dict[str, Any] = {
    "null": None,
    "number": 3,
    "float": 1e308,
    "true": True,
    "list": ["a", "b"],
    "object": {"a": 1},
    "empty": "",
    "blank": " \n\t",
    "nul": "a\0b",
    "surrogate": "a\ud83cb",
    "separator": "a\u2028b\u0085c\x07",
    "long": "beat " * 50_000,
    "up": "../../../etc/passwd",
    "absolute": "/etc/passwd",
    "url": "http://127.0.0.1:9/a.wav",
    "folder": ".",
    "tilde": "~/c0.wav",
    "device": "/dev/zero",
}
"""Values of one field."""
CONTENTS: dict[str, bytes] = {
    "empty": b"",
    "blank": b"\n\n \n",
    "null": b"null",
    "number": b"3",
    "huge-number": b"9" * 6000,
    "text": b'"a"',
    "object": b"{}",
    "list": b"[]",
    "nan": b"[NaN, Infinity]",
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep-objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "unclosed": b'[{"audio": "c0.wav"',
    "single-quotes": b"[{'audio': 'c0.wav'}]",
    "utf-16": json.dumps([GOOD]).encode("utf-16"),
    "utf-32": json.dumps([GOOD]).encode("utf-32"),
    "latin-1": '[{"audio": "c0.wav", "text": "café"}]'.encode("latin-1"),
    "bom": b"\xef\xbb\xbf" + json.dumps([GOOD]).encode(),
    "binary": bytes(range(256)) * 20,
    "nuls": bytes(3000),
    "gzip": b"\x1f\x8b\x08\x00" + bytes(range(200)),
    "megabytes": b"[" + b'{"audio": "c0.wav", "text": "x"},' * 60_000 + b"1]",
    "html": b"<!DOCTYPE html><html><body>404</body></html>",
    "quotes": b'audio,text\n"c0.wav,"x\nc1.wav,"a""b\n',
    "header-alone": b"audio,text\n",
    "header-twice": b"audio,audio\nc0.wav,c1.wav\n",
    "many-fields": b"audio,text\n" + b"c0.wav," + b"x," * 20_000 + b"\n",
    "big-field": b'audio,text\nc0.wav,"' + b"x" * 300_000 + b'"\n',
}
"""Whole lists."""
JSON_LISTS = ("metadata.json", "dataset.jsonl", "metadata.jsonl", "train.jsonl", "dataset.json")
TABLES = ("metadata.csv", "captions.csv")
SIDECARS = (".txt", ".json", ".caption", ".lyrics.txt", "_prompt.txt", "_lyrics.txt", ".lrc")
SPEECH_KEYS = ("prompt_audio_path", "prompt_text", "target_text", "target_audio_path", "edit_type", "speaker_id")
TIMES: dict[str, Any] = {
    "start-text": {"start": "x"},
    "start-negative": {"start": -5, "end": -1},
    "start-nan": {"start": float("nan")},
    "start-after-end": {"start": 2, "end": 1},
    "start-huge": {"start": 1e300, "end": 1e308},
    "repeats-negative": {"repeats": -3},
    "repeats-huge": {"repeats": 10**12},
    "split-odd": {"split": "xx"},
    "id-number": {"id": 5},
    "offset-huge": {"offset": 10**400},
    "language-list": {"language": ["en"]},
}
"""Fields that a manifest may have besides."""


def cases(finished: Finished) -> Iterator[Case]:
    """Lists of each format, speech lists, and texts beside clips."""
    commands = (tunesmith(*NEW, expected="any"), tunesmith("check", "a", expected="any"))
    for name, content in CONTENTS.items():
        for file in (*JSON_LISTS, *TABLES, "labels.jsonl", "manifest.jsonl"):
            yield Case("list of clips", f"list-{file}-{name}", _clips_with(finished, {file: content}), commands)
        for suffix in SIDECARS:
            yield Case(
                "text beside a clip",
                f"beside{suffix}-{name}",
                _clips_with(finished, {f"c0{suffix}": content}),
                commands,
            )
        label = (tunesmith("label", "d", expected="any"),)
        yield Case("list of labels", f"labels-{name}", _clips_with(finished, {"labels.jsonl": content}), label)
        yield from _speech_content(finished, name, content)
    for name, value in VALUES.items():
        for key in GOOD:
            rows = [GOOD | {"audio": "c1.wav"}, GOOD | {key: value}]
            for file in ("metadata.json", "dataset.jsonl", "metadata.csv"):
                prepare = _clips_with(finished, {file: _written(rows, file)})
                yield Case("value in a list", f"list-{file}-{key}-{name}", prepare, commands)
        for key in SPEECH_KEYS:
            yield _speech_value(finished, key, name, value)
    for name, fields in TIMES.items():
        rows = [GOOD | fields, GOOD | {"audio": "c1.wav"}]
        for file in ("metadata.json", "manifest.jsonl", "dataset.jsonl"):
            prepare = _clips_with(finished, {file: _written(rows, file)})
            yield Case("value in a list", f"list-{file}-{name}", prepare, commands)


def _written(rows: list[dict[str, Any]], file: str) -> bytes:
    if file.endswith(".json"):
        return json.dumps(rows).encode()
    if file.endswith(".jsonl"):
        return "".join(json.dumps(row) + "\n" for row in rows).encode()
    lines = [",".join(str(value) for value in row.values()) for row in rows]
    return "\n".join(["audio,text", *lines]).encode("utf-8", "surrogatepass")


def _clips_with(finished: Finished, files: dict[str, bytes]) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        shutil.copytree(finished.clips, folder / "d")
        for name, content in files.items():
            if not name.startswith("c0"):
                for text in (folder / "d").glob("*.txt"):
                    text.unlink()
            (folder / "d" / name).write_bytes(content)

    return prepare


def _speech(finished: Finished, change: Callable[[Path], object]) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        shutil.copytree(finished.speech, folder / "d")
        change(folder / "d" / "train.jsonl")

    return prepare


SPEECH_COMMANDS = (
    tunesmith(
        *("new", "a", "--from", "d/train.jsonl", "--model", "pocket/step_audio", "--preset", "pocket-demo-step-audio"),
        expected="any",
    ),
    tunesmith("check", "a", expected="any"),
)


def _speech_content(finished: Finished, name: str, content: bytes) -> Iterator[Case]:
    prepare = _speech(finished, lambda path: path.write_bytes(content))
    yield Case("list of speech", f"speech-{name}", prepare, SPEECH_COMMANDS)
    prepare = _speech(finished, lambda path: path.with_name("val.jsonl").write_bytes(content))
    yield Case("list of speech", f"speech-val-{name}", prepare, SPEECH_COMMANDS)


def _speech_value(finished: Finished, key: str, name: str, value: Any) -> Case:
    def change(path: Path) -> None:
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        rows[0][key] = value
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")

    return Case("list of speech", f"speech-{key}-{name}", _speech(finished, change), SPEECH_COMMANDS)
