"""What was done, with what, and how to go on from here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

from tunesmith.errors import TunesmithError
from tunesmith.families.contract.family import LOAD_CODE
from tunesmith.families.registry import family_type
from tunesmith.pocket.examples import is_pocket
from tunesmith.report.gather import Record, ReportData, deep, part
from tunesmith.report.numbers import duration, number, plain, real
from tunesmith.report.texts import Both, same, say, word
from tunesmith.run.folder import STAGES


def done(material: ReportData) -> list[tuple[Both, Both]]:
    """What was trained, on what, and how."""
    recipe, environment = material.recipe, material.environment
    model, train = part(recipe, "model"), part(recipe, "train")
    adapter = part(recipe, "adapter")
    lines = material.lines("train")
    parameters = deep(environment, "parameters", "parameter_count")
    licence = deep(environment, "licence", "license")
    reached = lines[-1]["update"] if lines else None
    planned = train.get("updates") or _of_stages(train) or deep(material.plan, "updates", "total_updates")
    batch, accumulation = real(train.get("batch_size")), real(train.get("accumulation"))
    rates = [rate for line in lines if (rate := real(line.get("learning_rate"))) is not None]
    speeds = sorted(speed for line in lines if (speed := real(line.get("tokens_per_second"))) is not None)
    skipped = [n for line in lines if (n := real(line.get("skipped"))) is not None]
    rows: list[tuple[str, Both | None]] = [
        ("model", _text(model.get("path") or deep(environment, "base_model", "path"))),
        ("licence", _text(licence)),
        ("parameters", _text(parameters)),
        ("family", _text(model.get("family") or deep(environment, "family"))),
        ("adapter", _adapter(adapter)),
        ("targets", _text(adapter.get("targets"))),
        ("updates", say("updates_value", done=number(reached), planned=number(planned)) if lines else None),
        ("learning_rate", _text(train.get("learning_rate") or max(rates, default=None))),
        ("batch", _batch(batch, accumulation)),
        ("precision", _text(deep(environment, "precision", "dtype") or model.get("precision"))),
        ("device", _text(deep(environment, "device") or model.get("device"))),
        ("random_seed", _text(train.get("seed"))),
        ("weights", word("weights", train["use_weights"]) if train.get("use_weights") else None),
        ("speed", say("speed_value", n=number(round(speeds[len(speeds) // 2]))) if speeds else None),
        ("skipped", same(number(max(skipped))) if skipped else None),
    ]
    return [(say(key), value) for key, value in rows if value is not None]


def flat(record: Any, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Nested dictionaries as lines ``a.b`` and value."""
    for key, value in record.items() if isinstance(record, Mapping) else ():
        if isinstance(value, Mapping) and value and depth < 6:
            yield from flat(value, f"{prefix}{key}.", depth + 1)
        else:
            yield f"{prefix}{key}", plain(value)


def stage_rows(material: ReportData) -> list[tuple[Both, Both, str, str]]:
    """(stage, time or "not done", result, command) of every stage."""
    rows = []
    for name in STAGES:
        state = material.stages.get(name) or {}
        took = same(duration(state.get("seconds"))) if state else say("stage_missing")
        took = say("stage_this") if name == "report" else took  # its state is written only after this page
        command = state.get("command") or f"tunesmith {name} {material.target}"
        rows.append((word("stage", name), took, _result(state.get("summary")), plain(command)))
    return rows


def _result(summary: Any) -> str:
    """The numbers and names of a stage's summary; lists stand in their own sections."""
    if isinstance(summary, Mapping):
        summary = {str(k).replace("_", " "): v for k, v in summary.items() if isinstance(v, (str, int, float))}
    return "" if summary in (None, "", {}, []) else plain(summary)


def load_code(material: ReportData) -> str:
    """A few lines that use the adapter without this project; empty while there is no adapter."""
    folder = next((f for f in (material.folder.best, material.folder.final) if f.exists()), None)
    if folder is None:
        return ""
    model, environment = part(material.recipe, "model"), material.environment
    path = str(deep(environment, "path") or model.get("path") or "facebook/musicgen-small")
    family = str(model.get("family") or deep(environment, "family") or "musicgen")
    if is_pocket(path):  # a name that only this project knows
        path = str(resources.files("tunesmith.pocket") / family)
    base, adapter = json.dumps(path, ensure_ascii=False), json.dumps(str(folder), ensure_ascii=False)
    try:
        code = family_type(family).load_code
    except TunesmithError:  # a report outlives the plugin that trained its model
        code = LOAD_CODE
    return code.format(base=base, adapter=adapter)


def _text(value: Any) -> Both | None:
    return None if value in (None, "", [], {}) else same(plain(value))


def _adapter(adapter: Record) -> Both | None:
    if not adapter:
        return None
    names = {"lora": "LoRA", "dora": "DoRA"}
    kind = names.get(str(adapter.get("kind")), plain(adapter.get("kind")))
    kind = f"{kind} (rsLoRA)" if adapter.get("rslora") else kind
    told = say("adapter_value", kind=kind, **{key: number(adapter.get(key)) for key in ("rank", "alpha", "dropout")})
    others = [_network(name, own) for name, own in (adapter.get("networks") or {}).items() if own.get("kind")]
    return Both("; ".join(one.en for one in [told, *others]), "；".join(one.zh for one in [told, *others]))


def _of_stages(train: Record) -> float | None:
    """Updates of all stages, where the recipe gives each its own number."""
    own = [real(stage.get("updates")) for stage in part(train, "stages").values()]
    return None if not own or None in own else sum(one for one in own if one is not None)


def _network(name: str, own: Record) -> Both:
    """What is trained of a network that has settings of its own."""
    if own["kind"] == "full":
        return say("adapter_full", name=name)
    return say("adapter_own", name=name, kind=plain(own["kind"]), rank=number(own.get("rank")))


def _batch(batch: float | None, accumulation: float | None) -> Both | None:
    if batch is None:
        return None
    accumulation = accumulation or 1
    total = number(batch * accumulation)
    return say("batch_value", batch=number(batch), accumulation=number(accumulation), total=total)
