"""What each stage's result depends on, key by key, so that an unchanged stage is not done again.

What each key of the recipe decides is declared beside it (:class:`tunesmith.records.settings.Decides`); here are the
files, and which kinds of keys concern which stage.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tunesmith.data.content import base_content
from tunesmith.errors import TunesmithError
from tunesmith.recipe.decided import Key, recipe_keys, settings_of, type_of
from tunesmith.records.checkpoint_state import CLIPS, CLIPS_PER_UPDATE
from tunesmith.records.clip_index import ClipIndex
from tunesmith.run.context import RunContext
from tunesmith.stages.files_read import (
    adapter_files,
    digest,
    folder_listing,
    listed_files,
    manifest_audio,
    named_files,
    replay_files,
    report_sources,
)

VERSIONS = {"check": 1, "encode": 1, "train": 1, "generate": 1, "evaluate": 3, "report": 1}
"""Raised when a stage makes something else of the same inputs, so that it is done again."""
VERSION = "version"


def stage_inputs(context: RunContext, name: str) -> dict[str, Any]:
    """What a stage's result depends on, by name: keys of the recipe, and the files it reads."""
    found = {key.name: key.value for key in keys_of(context, name)}
    if path := base_content(context.recipe.model.path):
        found["model.path"] = path
    if "model.family" in found:
        kind = type_of(context.recipe)
        found["model.family"] = kind.name if kind else context.recipe.model.family
    return {**found, VERSION: version_of(context, name), **_FILES[name](context)}


def keys_of(context: RunContext, name: str) -> list[Key]:
    """The keys of the recipe that a stage depends on."""
    wanted = _KEYS[name]
    return [key for key in recipe_keys(context.recipe, settings_of(context.recipe)) if wanted(key)]


def version_of(context: RunContext, name: str) -> str:
    """The version of a stage; of training with that of the family's objective."""
    kind = type_of(context.recipe) if name == "train" else None
    return f"{VERSIONS[name]}.{kind.objective_version}" if kind else str(VERSIONS[name])


def _kind(key: Key) -> str:
    return key.decides.what if key.decides else "weights"


def _in_section(*sections: str) -> Callable[[Key], bool]:
    return lambda key: key.name.partition(".")[0] in sections


def _for_check(key: Key) -> bool:
    if key.name == "train.seed":
        return True
    return _kind(key) == "weights" and _in_section("model", "data", "checks", "options")(key)


def _for_encode(key: Key) -> bool:
    return _kind(key) == "weights" and _in_section("model", "options")(key)


def _for_train(key: Key) -> bool:
    if key.name == "data.replay_share":  # it means nothing without a replay set
        return False
    in_manifest = key.decides is not None and key.decides.in_manifest
    where_and_how = _kind(key) == "execution" and _in_section("model", "train")(key)
    return where_and_how or (_kind(key) in ("weights", "selection") and not in_manifest)


def _for_generate(key: Key) -> bool:
    of_stage = _in_section("generate", "options")(key) and _kind(key) in ("outputs", "weights")
    return of_stage or (_in_section("model")(key) and _kind(key) == "weights")


def _for_evaluate(key: Key) -> bool:
    return _for_generate(key) or _in_section("evaluate")(key)


_KEYS: dict[str, Callable[[Key], bool]] = {
    "check": _for_check,
    "encode": _for_encode,
    "train": _for_train,
    "generate": _for_generate,
    "evaluate": _for_evaluate,
    "report": lambda key: False,
}


def _check_files(context: RunContext) -> dict[str, Any]:
    data = context.recipe.data
    files = [folder_listing(data.place), *listed_files(data), *replay_files(data)]
    return {"files": files, **_ears(context, checking=True)}


def _encode_files(context: RunContext) -> dict[str, Any]:
    return {"manifest": digest(context.folder.manifest), "files": manifest_audio(context.folder)}


def _train_files(context: RunContext) -> dict[str, Any]:
    train = context.recipe.train
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    found: dict[str, Any] = {CLIPS_PER_UPDATE: train.batch_size * train.accumulation * processes}
    found |= {"data.replay_share": context.recipe.data.replay_share} if context.recipe.data.replay else {}
    return {**found, **_clips(context)}


def _clips(context: RunContext) -> dict[str, str]:
    """The clips by their content; nothing before they were encoded once."""
    index = context.folder.clip_index
    return {CLIPS: ClipIndex.read(index).name} if index.exists() else {}


def _result_files(context: RunContext) -> dict[str, Any]:
    files: Iterable[Path] = [*named_files(context.recipe.generate), *adapter_files(context.folder)]
    clips = _clips(context) or {"manifest": digest(context.folder.manifest)}
    return {"files": [digest(path) for path in files], **clips}


def _evaluated_files(context: RunContext) -> dict[str, Any]:
    return {**_result_files(context), **_ears(context)}


def _ears(context: RunContext, *, checking: bool = False) -> dict[str, Any]:
    """So that a stage hears again where the ears have changed; nothing where there are none, as before there were."""
    names = ears_here(context, checking=checking)
    return {"ears": names} if names else {}


def ears_here(context: RunContext, *, checking: bool = False) -> list[str]:
    """What hears the run beyond what is always there, in an evaluation or in the check; the check hears music alone."""
    kind = type_of(context.recipe)
    if kind is None:
        return []
    if not kind.is_speech:
        from tunesmith.ears.catalogue import MUSICNN
        from tunesmith.ears.installed import is_usable

        return [MUSICNN.title] if not checking and is_usable(MUSICNN) else []
    from tunesmith.speech.hearing import checking_ears, measuring_ears

    try:
        tools = context.family.checks.speech_tools()
    except TunesmithError:  # of a checkpoint that is not here; what needs it says so
        tools = None
    return (checking_ears if checking else measuring_ears)(tools) if tools else []


_FILES: dict[str, Callable[[RunContext], dict[str, Any]]] = {
    "check": _check_files,
    "encode": _encode_files,
    "train": _train_files,
    "generate": _result_files,
    "evaluate": _evaluated_files,
    "report": lambda context: {"files": report_sources(context)},
}
