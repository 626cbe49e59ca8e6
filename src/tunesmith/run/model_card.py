"""The README.md that goes with every adapter: base, licence, data in numbers, recipe, how to load it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tunesmith import __version__
from tunesmith.data.mapped_manifest import MappedSamples, map_manifest
from tunesmith.data.replay import mix_of
from tunesmith.families.contract import ModelCard
from tunesmith.families.hub import is_hub_id
from tunesmith.pocket.shipped import is_pocket
from tunesmith.run.context import RunContext

_LICENCES = {"CC BY-NC 4.0": "cc-by-nc-4.0", "Apache-2.0": "apache-2.0", "MIT": "mit"}


def model_card(context: RunContext, note: str) -> str:
    """A Hub model card in Markdown; the licence is the base weights' own, which an adapter inherits."""
    card = context.family.card.facts()
    return "\n".join([*_front_matter(card), *_body(context, card, note)]) + "\n"


def _front_matter(card: ModelCard) -> list[str]:
    head: dict[str, Any] = {
        "library_name": "peft",
        "pipeline_tag": "text-to-audio",
        "license": _LICENCES.get(card.licence, "other"),
        "tags": ["tunesmith", "lora", card.family],
    }
    if is_hub_id(card.path) and not Path(card.path).exists() and not is_pocket(card.path):
        head["base_model"] = card.path
    return ["---", yaml.safe_dump(head, sort_keys=False).strip(), "---", ""]


def _body(context: RunContext, card: ModelCard, note: str) -> list[str]:
    recipe = context.recipe
    adapter, train = recipe.adapter, recipe.train
    scale = "alpha / sqrt(rank)" if adapter.rslora else "alpha / rank"
    return [
        f"# {recipe.name}",
        "",
        f"{adapter.kind.upper()} adapter for `{card.path}`, trained with Tunesmith {__version__}: {note}.",
        "",
        f"**Licence:** {card.licence}, that of the base weights"
        + (", which do not allow commercial use." if "NC" in card.licence else "."),
        "",
        "## Data",
        "",
        *_data(context),
        "",
        "## Training",
        "",
        f"- rank {adapter.rank}, alpha {adapter.alpha:g} (scale {scale}), dropout {adapter.dropout:g}",
        f"- peak learning rate {train.learning_rate:g}, {train.batch_size} × {train.accumulation} clips per "
        f"update, seed {train.seed}",
        f"- weights: {train.use_weights}",
        "",
        "## Use",
        "",
        *_use(context, card),
    ]


def _data(context: RunContext) -> list[str]:
    if not context.folder.manifest.exists():
        return ["No record of the training data."]
    whole = map_manifest(context.folder.manifest)
    samples, trained = whole.where(~whole.is_replay), whole.is_in("train")
    train, valid, seconds = samples.is_in("train").sum(), samples.is_in("valid").sum(), samples.seconds.sum()
    replay = int((whole.is_replay & trained).sum())
    share = _share(context, whole.where(trained)) if replay else 0.0
    return [
        f"{train} training clips and {valid} held-out clips, {seconds / 60:.1f} minutes in all.",
        *([f"Beside them {replay} replay clips, {share:.0%} of every pass."] if replay else []),
        "The audio itself is not part of this repository; whoever publishes the adapter answers for the rights to it.",
    ]


def _share(context: RunContext, training: MappedSamples) -> float:
    mix = mix_of(training, context.recipe.data.replay_share)
    return mix.share if mix else 0.0


def _use(context: RunContext, card: ModelCard) -> list[str]:
    code = context.family.type.load_code.format(base=f'"{card.path}"', adapter='"path/to/this/folder"')
    return ["```python", code.strip(), "```"]
