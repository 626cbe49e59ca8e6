"""Keys that change nothing under the others, and why: said of every key that is set for a command."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from tunesmith.pocket.shipped import is_pocket
from tunesmith.recipe.decided import settings_of, type_of
from tunesmith.recipe.models import Recipe
from tunesmith.texts import Message, msg


@dataclass(frozen=True)
class NoEffect:
    """Keys that have no effect under a condition.

    Attributes:
        keys: Their names.
        holds: The condition.
        why: The reason, to follow "has no effect on this run:".
    """

    keys: tuple[str, ...]
    holds: Callable[[Recipe], bool]
    why: Message


def without_effect(recipe: Recipe, names: Collection[str]) -> list[Message]:
    """A sentence for every named key that has no effect on a run.

    Args:
        recipe: The run's.
        names: Keys that were set (``train.min_lr_share``).
    """
    reasons = dict(reasons_of(recipe))
    return [
        msg("{key} has no effect on this run: {reason}", key=name, reason=reasons[name])
        for name in names
        if name in reasons
    ]


def reasons_of(recipe: Recipe) -> Iterator[tuple[str, Message]]:
    """Every key that changes nothing under the others, with the reason."""
    for rule in NO_EFFECT:
        if rule.holds(recipe):
            yield from ((key, rule.why) for key in rule.keys)
    settings = settings_of(recipe)
    if settings is not None:
        yield from ((f"options.{key}", why) for key, why in settings.unused(recipe.generate.seconds).items())


def _speech(recipe: Recipe) -> bool:
    kind = type_of(recipe)
    return kind is not None and kind.is_speech


def _rates_of_their_own(recipe: Recipe) -> bool:
    """Whether every network that trains has its own learning rate."""
    trained = recipe.options.get("train")
    networks = recipe.adapter.networks
    return trained in networks and networks[trained].learning_rate is not None


def _trained_in_full(recipe: Recipe) -> bool:
    """Whether no adapter is trained at all."""
    adapter, trained = recipe.adapter, recipe.options.get("train")
    if trained in adapter.networks:
        return adapter.of(trained).kind == "full"
    return all(kind == "full" for kind in (adapter.kind, *(adapter.of(name).kind for name in adapter.networks)))


def _folder(recipe: Recipe) -> bool:
    return is_pocket(recipe.model.path) or Path(recipe.model.path).is_dir()


NO_EFFECT = (
    NoEffect(("model.revision",), _folder, msg("the model is not taken from the Hub")),
    NoEffect(
        ("model.precision",),
        lambda r: r.model.device == "cpu" and r.model.precision == "fp16",
        msg("fp16 is a GPU's; a CPU computes in fp32, or in bf16 if that is asked for"),
    ),
    NoEffect(
        ("data.metadata_file",),
        lambda r: r.data.layout not in ("auto", "metadata"),
        msg("the layout of the clips has no such file"),
    ),
    NoEffect(
        ("data.valid_file",),
        lambda r: r.data.layout not in ("auto", "pairs"),
        msg("the layout of the clips has no lists"),
    ),
    NoEffect(
        ("data.valid_min",), lambda r: r.data.valid_share == 0, msg("data.valid_share is 0, so nothing is held out")
    ),
    NoEffect(("data.max_seconds", "data.min_crop_seconds"), _speech, msg("clips of speech are trained on whole")),
    NoEffect(
        ("data.min_crop_seconds",),
        lambda r: not _speech(r) and r.data.min_crop_seconds >= r.data.max_seconds,
        msg("crops are no longer than data.max_seconds, which it reaches"),
    ),
    NoEffect(("data.replay_share",), lambda r: not r.data.replay, msg("there are no replay clips (data.replay)")),
    NoEffect(
        ("adapter.rank", "adapter.alpha", "adapter.dropout", "adapter.rslora"),
        _trained_in_full,
        msg("the weights themselves are trained, without an adapter"),
    ),
    NoEffect(("train.learning_rate",), _rates_of_their_own, msg("every network that trains has a rate of its own")),
    NoEffect(("train.epochs",), lambda r: r.train.updates is not None, msg("train.updates decides the length")),
    NoEffect(
        ("train.min_lr_share",), lambda r: r.train.schedule == "constant", msg("with a constant schedule nothing falls")
    ),
    NoEffect(
        ("train.ema_decay",),
        lambda r: r.train.use_weights == "raw" and r.train.ema_decay > 0,
        msg("the average is kept and not used; set train.use_weights=ema"),
    ),
    NoEffect(("train.compile",), lambda r: r.model.device == "cpu", msg("nothing is compiled on a CPU")),
    NoEffect(
        ("previews.prompts", "previews.count", "previews.max_share"),
        lambda r: r.previews.every == 0,
        msg("previews are off (previews.every is 0)"),
    ),
    NoEffect(("previews.count",), lambda r: bool(r.previews.prompts), msg("there is one for every prompt given")),
    NoEffect(("generate.count",), lambda r: bool(r.generate.prompts), msg("there is one for every prompt given")),
    NoEffect(("evaluate.count",), lambda r: bool(r.evaluate.prompts), msg("there is one for every prompt given")),
    NoEffect(
        ("generate.span", "generate.source_prompt", "generate.source_lyrics"),
        lambda r: not r.generate.source,
        msg("there is no source audio (generate.source)"),
    ),
    NoEffect(
        ("generate.adapter_scale",),
        lambda r: bool(r.generate.loras),
        msg("the adapters of generate.loras have their own"),
    ),
)
