"""Wrong flags of every verb, models that are not there, and bad prompts, lyrics and sources."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from bad_input_cases.case import Case, nothing, tunesmith
from bad_input_cases.finished import FAMILIES, PRESETS, Finished

OVER_RUN = ("run", "check", "encode", "train", "generate", "evaluate", "report", "export", "plan", "info")
BROKEN_OVERRIDES = (
    "train.updates",
    "=",
    "=5",
    "train..updates=5",
    ".=1",
    "trian.updates=5",
    "train.updaets=5",
    "train=5",
    "train={}",
    "a.b.c.d.e.f.g=1",
    "options.nowhere=1",
    "name.x=1",
    "train.seed={a: {b: [c",
    "train.updates=5 6",
    "\udc80=1",
    "train.updates=\udc80",
    "--train.updates=5",
    "x" * 5000 + "=1",
    "train.seed=" + "9" * 5000,
    "train.stages.llm.updates.x=1",
    "data.folder=[",
    "data.workers=0",
    "data.workers=all",
)
FLAGS: tuple[tuple[str, ...], ...] = (
    ("studio", "extra"),
    ("studio", "--port"),
    ("studio", "--port", "0"),
    ("studio", "--port", "70000"),
    ("studio", "--port", "x"),
    ("studio", "--host", "0.0.0.0"),
    ("studio", "--host", "", "--allow-host", "x"),
    ("studio", "--host", "no such host", "--allow-host", "x", "--no-browser"),
    ("studio", "--host", "203.0.113.1", "--allow-host", "x", "--no-browser"),
    ("studio", "--no-such-flag"),
    ("new",),
    ("new", "a"),
    ("new", "a", "--from"),
    ("new", "a", "--from", "nosuch://bucket/clips"),
    ("new", "a", "--from", "s3://"),
    ("new", "a", "--from", "memory://no/clips"),
    ("new", "a", "--from", "https://127.0.0.1:9/clips"),
    ("new", "a", "--from", "://\udc80"),
    ("new", "a", "--from", "memory://" + "x" * 300),
    ("new", "a", "--from", "d", "--preset", "nowhere"),
    ("new", "a", "--from", "d", "--preset", "../../x"),
    ("new", "a", "--from", "d", "--preset", ""),
    ("new", "a", "--from", "d", "--model", "pocket/nowhere"),
    ("new", "a", "--from", "d", "--model", ""),
    ("new", "a", "--from", "d", "--model", "no-such-owner/no-such-model"),
    ("new", "a", "--from", "d", "--model", "d"),
    ("new", "a", "--from", "d", "--model", "a" * 300),
    ("new", "a", "--from", "d", "--model", "../../../etc"),
    ("new", "a", "--from", "d", "--model", "/dev/null"),
    ("new", "a", "--from", "d/c0.txt", "--model", "pocket"),
    ("new", "a", "--from", "d", "--model", "pocket/step_audio"),
    ("new", "a", "--like", "nowhere"),
    ("new", "r", "--like", "r"),
    ("new", "r", "--from", "d", "--model", "pocket"),
    ("train", "r", "--resume", "--fresh"),
    ("train", "r", "--resume=yes"),
    ("train", "r", "train.shard_base=true", "train.compile=regional"),
    ("plan", "r", "--processes", "0"),
    ("plan", "r", "--processes", "two"),
    ("generate", "r", "--prompt"),
    ("generate", "r", "--prompt", ""),
    ("generate", "r", "--prompt", "  \t"),
    ("generate", "r", "--seconds", "0"),
    ("generate", "r", "--seconds", "-1"),
    ("generate", "r", "--seconds", "nan"),
    ("generate", "r", "--seconds", "inf"),
    ("generate", "r", "--seconds", "1e9"),
    ("generate", "r", "--seconds", "1e-9"),
    ("generate", "r", "--seconds", "ten"),
    ("generate", "r", "--seed", "1.5"),
    ("generate", "r", "--seed", "9" * 40),
    ("generate", "r", "--seed", "-1"),
    ("generate", "r", "--format", "ogg"),
    ("generate", "r", "--adapter-scale", "nan"),
    ("generate", "r", "--adapter-scale", "99"),
    ("generate", "r", "--span", "5", "1"),
    ("generate", "r", "--span", "1"),
    ("generate", "r", "--task", "sing"),
    ("generate", "r", "--task", "repaint"),
    ("generate", "r", "--edit", "sing"),
    ("generate", "r", "--edit", ":"),
    ("generate", "r", "--edit", "emotion:nowhere"),
    ("generate", "r", "--source", "nowhere.wav"),
    ("generate", "r", "--source", "d"),
    ("generate", "r", "--source", "d/c0.txt"),
    ("generate", "r", "--source", "/dev/zero"),
    ("generate", "r", "--lyrics", "nowhere.txt"),
    ("generate", "r", "--lyrics", "d"),
    ("generate", "r", "--lora", "nowhere"),
    ("generate", "r", "--lora", "nowhere:x"),
    ("generate", "r", "--lora", "d:0.5"),
    ("generate", "r", "--lora", "runs/r/best_model:nan"),
    ("generate", "r", "--lora", "runs/r/best_model:1e400"),
    ("generate", "r", "--lora", ":"),
    ("generate", "r", "--from-attempt", "nowhere"),
    ("generate", "r", "--from-attempt", "../../r"),
    ("generate", "r", "--from-attempt", ""),
    ("generate", "r", "--out", "d/c0.wav"),
    ("generate", "r", "--out", "/proc/nowhere"),
    ("evaluate", "r", "--seconds", "nan"),
    ("evaluate", "r", "--seed", "x"),
    ("evaluate", "r", "--prompt", ""),
    ("compare",),
    ("compare", "r"),
    ("compare", "r", "nowhere"),
    ("compare", "r", "r", "--checkpoints"),
    ("listen",),
    ("listen", "nowhere"),
    ("listen", "r", "r"),
    ("listen", "r", "nowhere"),
    ("listen", "r", "--seed", "-1"),
    ("listen", "r", "--prompts", "0"),
    ("listen", "r", "--out", "d/c0.wav"),
    ("listen", "r", "--out", "/proc/nowhere/x.html"),
    ("listen", "r", "--votes"),
    ("listen", "r", "--votes", "nowhere.json"),
    ("listen", "r", "--votes", "d"),
    ("listen", "r", "--votes", "d/c0.wav"),
    ("listen", "--votes", "nowhere.json", "r.json"),
    ("export", "r", "--format", "nowhere"),
    ("export", "r", "--which", "nowhere"),
    ("export", "r", "--out", "d/c0.wav"),
    ("export", "r", "--out", "/proc/nowhere"),
    ("export", "r", "--push", "not a repo"),
    ("export", "r", "--push", "../x"),
    ("schema", "--family", "nowhere"),
    ("schema", "--out", "d"),
    ("schema", "--out", "/proc/nowhere/x"),
    ("presets", "show", "nowhere"),
    ("presets", "show", "../../../etc/passwd"),
    ("presets", "copy", "nowhere"),
    ("presets", "nowhere"),
    ("pocket", "info", "nowhere"),
    ("pocket", "build", "nowhere"),
    ("demo", "--family", "nowhere"),
    ("demo", "--out", "d/c0.wav"),
    ("demo", "--out", "/proc/nowhere"),
    ("label", "nowhere"),
    ("label", "d/c0.wav"),
    ("label", "d", "--provider", "nowhere"),
    ("label", "d", "--provider", "endpoint"),
    ("label", "d", "--provider", "endpoint", "--base-url", "not a url", "--model", "x"),
    ("label", "d", "--provider", "endpoint", "--base-url", "file:///etc/passwd", "--model", "x"),
    ("label", "d", "--provider", "endpoint", "--base-url", "http://127.0.0.1:9/v1", "--model", "x"),
    ("label", "d", "--provider", "endpoint", "--base-url", "http://[::1", "--model", "x"),
    ("label", "d", "--provider", "qwen-omni", "--model", "nowhere/nothing"),
    ("label", "d", "--provider", "qwen-omni", "--model", "d"),
    ("label", "d", "--prompt", "nowhere.txt"),
    ("label", "d", "--limit", "0"),
    ("label", "d", "--dialect", "nowhere"),
    ("slice", "nowhere", "out"),
    ("slice", "d/c0.wav", "out"),
    ("slice", "d", "d"),
    ("slice", "d", "d/out"),
    ("slice", "d", "."),
    ("slice", "d", "d/c0.wav"),
    ("slice", "d", "/proc/nowhere"),
    ("slice", "d", "runs/r"),
    ("slice", "d", "out", "--seconds", "x"),
    ("slice", "d", "out", "--seconds", "nan-inf"),
    ("slice", "d", "out", "--seconds", "9-1"),
    ("slice", "d", "out", "--overlap", "-1"),
    ("slice", "d", "out", "--overlap", "nan"),
    ("slice", "d", "out", "--at", "nowhere"),
    ("ears", "nowhere"),
    ("ears", "install", "nowhere"),
    ("ears", "install", "ge2e", "--from"),
    ("ears", "install", "--from", "nowhere"),
    ("ears", "install", "--from", "d"),
    ("ears", "install", "ge2e", "--from", "d"),
    ("ears", "install", "ge2e", "--from", "d/c0.txt"),
    ("ears", "install", "--from", "d/c0.txt"),
    ("ears", "install", "ge2e", "--from", "/dev/null"),
    ("check", "r", "--shard", "0/2"),
    ("check", "r", "--shard", "3/2"),
    ("check", "r", "--shard", "1/"),
    ("check", "r", "--shard", "9" * 5000),
    ("check", "r", "--shard", "\udc80/2"),
    ("check", "r", "--shard", "1/2", "--all"),
    ("check", "d", "--shard", "1/2"),
    ("encode", "r", "--shard", "-1/2"),
    ("encode", "r", "--shard", "1/2", "data.folder=nowhere"),
    ("encode", "nowhere.yaml", "--shard", "1/2"),
    ("check", "d", "--on", "ray"),
    ("check", "r", "--on", "nowhere"),
    ("encode", "r", "--on", "ray", "--shard", "1/2"),
    ("merge-cache",),
    ("merge-cache", "d"),
    ("merge-cache", "nowhere"),
    ("merge-cache", "r", "data.folder=nowhere"),
    ("check", "d", "--fix", "d"),
    ("check", "d", "--fix", "d/out"),
    ("check", "d", "--fix", "."),
    ("check", "d", "--fix", "d/c0.wav"),
    ("check", "d", "--fix", "/proc/nowhere"),
    ("check", "r", "--fix", "d"),
    ("check", "nowhere", "--fix", "out"),
    ("check", "d", "nowhere.key=1"),
    ("nowhere",),
    ("--nowhere",),
    ("run", "d/c0.wav"),
    ("run", "d"),
    ("run", "nowhere.yaml"),
    ("run", "/dev/zero"),
    ("info", "/dev/zero"),
    ("report", "/proc/self"),
)
"""Command lines beside a finished run ``r`` and a folder of clips ``d``."""
HARMLESS = {("generate", "r", "--seed", "-1"), ("new", "r", "--like", "r"), ("generate", "r", "--seconds", "1e-9")}
"""Odd, but there is an answer."""
TEXTS = {
    "empty": "",
    "blank": " \n ",
    "surrogate": "a\udc80b",
    "half-an-emoji": "a\ud83cb",
    "control": "a\x07\x1b[31m\x7fb",
    "separators": "a\u2028b\u2029c\x85d",
    "right-to-left": "\u202eabc\u202c",
    "emoji": "🎵🔥" * 50,
    "chinese": "深沉的嘻哈节拍" * 20,
    "long": "beat " * 20_000,
    "one-word": "x" * 100_000,
    "markup": "<s></s><pad><unk><audio_5><|EOT|><|im_start|>",
    "format": "{0} {name} %s %d {",
    "path": "../../etc/passwd",
    "many-lines": "la\n" * 5000,
    "structure": "[verse]" * 500,
    "odd-structure": "[[[verse\n(Chorus)\nVerse 1:\n[主歌A]\n]]]",
}


def cases(finished: Finished) -> Iterator[Case]:
    """Overrides, flags, missing models, and texts to generate from."""
    for number, words in enumerate(FLAGS):
        family = FAMILIES[number % len(FAMILIES)]
        expected = "any" if words in HARMLESS or "--edit" in words or "--lyrics" in words else "refused"
        name = "-".join(words)[:80].replace("/", "_")
        yield Case("flag", f"flag-{number}-{name}", _beside(finished, family), (tunesmith(*words, expected=expected),))
    for number, verb in enumerate(OVER_RUN):
        family = FAMILIES[number % len(FAMILIES)]
        for words in ((verb,), (verb, "r", "--no-such-flag"), (verb, "nowhere"), (verb, "r", "a", "b")):
            if words != ("info",):
                yield Case("flag", f"verb-{'-'.join(words)}", _beside(finished, family), (tunesmith(*words),))
        for turn, text in enumerate(BROKEN_OVERRIDES):
            if (turn + number) % 3 == 0 and verb != "info":
                name = f"override-{verb}-{turn}"
                yield Case("broken override", name, _beside(finished, family), (tunesmith(verb, "r", text),))
    yield from _texts(finished)
    yield from _missing_models(finished)


def _texts(finished: Finished) -> Iterator[Case]:
    for name, text in TEXTS.items():
        for family in FAMILIES:
            words = ("generate", "r", "--prompt", text, "--seconds", "1")
            if family == "step_audio":
                words = (*words[:4], "--source", f"{finished.speech}/audio/clip_001.flac", "--source-text", "birds")
            prepare = _beside(finished, family)
            yield Case("prompt", f"prompt-{family}-{name}", prepare, (tunesmith(*words, expected="any"),))
        lyrics = ("generate", "r", "--prompt", "beat", "--seconds", "1", "--lyrics", text)
        yield Case("lyrics", f"lyrics-{name}", _beside(finished, "ace_step"), (tunesmith(*lyrics, expected="any"),))
        spoken = ("generate", "r", "--prompt", "birds", "--source-text", text)
        spoken = (*spoken, "--source", f"{finished.speech}/audio/clip_001.flac")
        yield Case(
            "prompt", f"source-text-{name}", _beside(finished, "step_audio"), (tunesmith(*spoken, expected="any"),)
        )
        caption = ("new", "a", "--from", "d", "--model", "pocket", "--preset", "pocket-demo", "--text", text)
        commands = (tunesmith(*caption, expected="any"), tunesmith("check", "a", expected="any"))
        yield Case("caption", f"caption-{name}", _uncaptioned(finished), commands)


def _missing_models(finished: Finished) -> Iterator[Case]:
    for family in FAMILIES:
        source = ("--from", str(finished.data(family)), "--model", "./model", "--preset", PRESETS[family])
        for name, content in {
            "empty": "",
            "list": "[]",
            "other": '{"model_type": "llama"}',
            "binary": "\0\1\2",
        }.items():

            def prepare(folder: Path, content: str = content) -> None:
                (folder / "model").mkdir()
                (folder / "model" / "config.json").write_text(content)

            commands = (tunesmith("new", "a", *source, expected="any"), tunesmith("encode", "a"))
            yield Case("missing model", f"model-{family}-config-{name}", prepare, commands)
        commands = (tunesmith("new", "a", *source, expected="any"), tunesmith("encode", "a"))
        yield Case("missing model", f"model-{family}-nowhere", nothing, commands)


def _beside(finished: Finished, family: str) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        shutil.copytree(finished.clips, folder / "d")
        shutil.copytree(finished.run(family) / "runs" / "r", folder / "runs" / "r")

    return prepare


def _uncaptioned(finished: Finished) -> Callable[[Path], None]:
    return lambda folder: shutil.copytree(finished.clips, folder / "d", ignore=shutil.ignore_patterns("*.txt")) and None
