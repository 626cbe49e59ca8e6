"""What was done, with what, and how to go on from here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import Any

from tunesmith.errors import TunesmithError
from tunesmith.families.contract.family import LOAD_CODE
from tunesmith.families.registry import family_type
from tunesmith.pocket.shipped import is_pocket
from tunesmith.records.environment import BaseModelFacts
from tunesmith.records.loss_probes import LossProbes
from tunesmith.records.metrics import TrainLine
from tunesmith.records.stage_state import TrainSummary
from tunesmith.report.field_names import field_name, field_path, worded
from tunesmith.report.gather import RecipeSection, ReportData, part
from tunesmith.report.numbers import UNKNOWN, duration, number, plain, real
from tunesmith.report.texts import term, verbatim
from tunesmith.run.folder import STAGES
from tunesmith.texts import NOTHING, Message, in_turn, joined, msg


def done(data: ReportData) -> list[tuple[Message, Message]]:
    """What was trained, on what, and how."""
    model, train, adapter = (part(data.recipe, name) for name in ("model", "train", "adapter"))
    known, trained = _base_model(data), _trained(data)
    batch, accumulation = real(train.get("batch_size")), real(train.get("accumulation"))
    rows: list[tuple[Message, Message | None]] = [
        (msg("Base model"), _text(model.get("path") or (known and known.path))),
        (msg("Its licence"), _text(known and known.licence)),
        (msg("Its parameters"), _text(known and known.parameters)),
        (msg("Family"), _text(model.get("family") or (known and known.family))),
        (msg("Adapter"), _adapter(adapter)),
        (msg("Trained modules"), _text(adapter.get("targets"))),
        (msg("Updates"), _updates(data, train)),
        (msg("Peak learning rate"), _text(train.get("learning_rate") or _peak(data.metrics.train))),
        (msg("Effective batch"), _batch(batch, accumulation)),
        (msg("Precision"), _text(trained and trained.precision)),
        (msg("Device"), _text(trained and trained.device)),
        (msg("Seed"), _text(train.get("seed"))),
        (
            msg("Weights evaluated and exported"),
            term("weights", train["use_weights"]) if "use_weights" in train else None,
        ),
        *_probes(trained.probes if trained else None),
        *_speed(data.metrics.train),
    ]
    return [(name, value) for name, value in rows if value is not None]


def _base_model(data: ReportData) -> BaseModelFacts | None:
    return data.environment.model if data.environment else None


def _trained(data: ReportData) -> TrainSummary | None:
    state = data.stages.get("train")
    return state.training() if state else None


def _updates(data: ReportData, train: RecipeSection) -> Message | None:
    """Updates done of those planned; nothing before the first."""
    lines = data.metrics.train
    if not lines:
        return None
    planned = train.get("updates") or _of_stages(train) or (data.plan and data.plan.updates)
    return msg("{done} of {planned}", done=number(lines[-1].update), planned=number(planned))


def _probes(probes: LossProbes | None) -> Iterator[tuple[Message, Message]]:
    """What training measured at its end of the weights that were kept."""
    if probes is None:
        return
    if probes.train is not None and probes.train.base is not None and probes.train.adapter is not None:
        losses = msg("{base:.3f} → {adapter:.3f}", base=probes.train.base, adapter=probes.train.adapter)
        yield msg("Loss of {clips} training clips", clips=probes.clips), losses
    if probes.gains is not None and (worth := probes.gains.means()) is not None:
        cost = msg("{adapter:+.3f} (the base model {base:+.3f})", base=worth[0], adapter=worth[1])
        yield msg("What another clip's caption costs"), cost


def _peak(lines: Sequence[TrainLine]) -> float | None:
    rates = [rate for line in lines if (rate := real(line.learning_rate)) is not None]
    return max(rates, default=None)


def _speed(lines: Sequence[TrainLine]) -> list[tuple[Message, Message | None]]:
    speeds = sorted(speed for line in lines if (speed := real(line.tokens_per_second)) is not None)
    middle = msg("{n} tokens per second", n=number(round(speeds[len(speeds) // 2]))) if speeds else None
    skipped = verbatim(number(max(line.skipped for line in lines))) if lines else None
    return [(msg("Speed"), middle), (msg("Skipped updates"), skipped)]


def flat(record: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[Message, Message]]:
    """Nested dictionaries as lines: where a value is, by what its fields are called, and the value."""
    for key, value in record.items() if isinstance(record, Mapping) else ():
        if isinstance(value, Mapping) and value and len(path) < 6:
            yield from flat(value, (*path, key))
        else:
            yield field_path((*path, key)), worded(value)


def environment_rows(data: ReportData) -> list[tuple[Message, Message]]:
    """What the run was made with; what is not known is left out."""
    known = data.environment
    return list(flat(known.model_dump(mode="json", exclude_none=True))) if known else []


def plan_rows(data: ReportData) -> list[tuple[Message, Message]]:
    """What the run was expected to take."""
    if data.plan is None:
        return []
    devices = [worded({**device.to_json(), "assumes": device.assumes}) for device in data.plan.devices]
    rows = flat(data.plan.model_dump(mode="json", exclude={"devices"}))
    return [*rows, (field_name("devices"), joined(devices) if devices else verbatim(UNKNOWN))]


def stage_rows(data: ReportData) -> list[tuple[Message, Message, Message, str]]:
    """(stage, time or "not done", result, command) of every stage."""
    rows = []
    for name in STAGES:
        state = data.stages.get(name)
        took = duration(state.seconds) if state else msg("not done yet")
        took = msg("this page") if name == "report" else took  # its state is written only after this page
        command = (state.command if state else None) or f"tunesmith {name} {data.target}"
        rows.append((term("stage", name), took, _result(state.summary) if state else NOTHING, command))
    return rows


def _result(summary: Mapping[str, Any]) -> Message:
    """The numbers and names of a stage's summary; lists stand in their own sections."""
    shown: dict[str, Any] = {k: v for k, v in summary.items() if isinstance(v, (str, int, float))}
    if "split_kind" in shown:
        shown["split_kind"] = term("split", shown["split_kind"])
    return worded(shown) if shown else NOTHING


def load_code(data: ReportData) -> str:
    """A few lines that use the adapter without this project; empty while there is no adapter."""
    folder = next((f for f in (data.folder.best, data.folder.final) if f.exists()), None)
    if folder is None:
        return ""
    model, known = part(data.recipe, "model"), _base_model(data)
    path = str((known and known.path) or model.get("path") or "facebook/musicgen-small")
    family = str(model.get("family") or (known and known.family) or "musicgen")
    if is_pocket(path):  # a name that only this project knows
        path = str(resources.files("tunesmith.pocket") / family)
    base, adapter = json.dumps(path, ensure_ascii=False), json.dumps(str(folder), ensure_ascii=False)
    try:
        code = family_type(family).load_code
    except TunesmithError:  # a report outlives the plugin that trained its model
        code = LOAD_CODE
    return code.format(base=base, adapter=adapter)


def _text(value: Any) -> Message | None:
    return None if value in (None, "", [], {}) else verbatim(plain(value))


def _adapter(adapter: RecipeSection) -> Message | None:
    if not adapter:
        return None
    names = {"lora": "LoRA", "dora": "DoRA"}
    kind = names.get(str(adapter.get("kind")), plain(adapter.get("kind")))
    kind = f"{kind} (rsLoRA)" if adapter.get("rslora") else kind
    first = msg(
        "{kind}, rank {rank}, alpha {alpha}, dropout {dropout}",
        kind=kind,
        rank=number(adapter.get("rank")),
        alpha=number(adapter.get("alpha")),
        dropout=number(adapter.get("dropout")),
    )
    others = [_network(name, settings) for name, settings in part(adapter, "networks").items() if settings.get("kind")]
    return in_turn([first, *others])


def _of_stages(train: RecipeSection) -> float | None:
    """Updates of all stages, where the recipe gives each its own number."""
    updates = [real(stage.get("updates")) for stage in part(train, "stages").values()]
    return None if not updates or None in updates else sum(count for count in updates if count is not None)


def _network(name: str, settings: RecipeSection) -> Message:
    """What is trained of a network that has settings of its own."""
    if settings["kind"] == "full":
        return msg("{name}: trained itself", name=name)
    return msg(
        "{name}: {kind}, rank {rank}", name=name, kind=plain(settings["kind"]), rank=number(settings.get("rank"))
    )


def _batch(batch: float | None, accumulation: float | None) -> Message | None:
    if batch is None:
        return None
    accumulation = accumulation or 1
    return msg(
        "{batch} clips × {accumulation} micro-batches = {total}",
        batch=number(batch),
        accumulation=number(accumulation),
        total=number(batch * accumulation),
    )
