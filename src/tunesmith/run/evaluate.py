"""The evaluate stage: base against adapter on the same prompts and seeds, held-out loss of both, findings in words."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunesmith.files import write_json
from tunesmith.run.context import RunContext
from tunesmith.run.prompts import Prompt, choose_prompts

if TYPE_CHECKING:
    from torch import nn

    from tunesmith.evaluation.compare import SideFiles
    from tunesmith.evaluation.diagnosis import Losses
    from tunesmith.training.terms import Measured


@dataclass(frozen=True)
class LossPair:
    """Held-out and base-style losses of base and adapter."""

    base: Measured | None
    adapter: Measured | None
    base_style: tuple[float, float] | None
    clips: int


def evaluate(context: RunContext) -> dict[str, Any]:
    """Compare the run's best adapter with its base into ``evaluation/``."""
    from tunesmith.run.adapted import adapter_folder

    return compare(context, adapter_folder(context), context.folder.evaluation)


def compare(context: RunContext, adapter: Path, target: Path) -> dict[str, Any]:
    """Generate both sides, measure everything, and write ``comparison_results.json`` into ``target``."""
    from tunesmith.evaluation.compare import build_comparison
    from tunesmith.run.adapted import load_adapted
    from tunesmith.run.device import pick_device

    recipe = context.recipe.evaluate
    device = pick_device(context.recipe.model.device)
    prompts = choose_prompts(context, recipe.prompts, recipe.count, recipe.seconds)
    base_prompts = () if recipe.prompts else context.family.base_prompts()[: recipe.forgetting_prompts]
    prompts += [Prompt(text, "base_style") for text in base_prompts if text not in {p.text for p in prompts}]
    networks = load_adapted(context.family, adapter, device)
    sides = generate_sides(context, networks, prompts, target, device)
    losses = measure_losses(context, networks, device)
    record = build_comparison(context, prompts, sides, losses, target, adapter)
    write_json(target / "comparison_results.json", record)
    for language in ("learnt", "worse", "next"):
        sentence = record["verdict"][language]
        if sentence:
            context.voice.say(f"  {sentence['en']}")
    return {"adapter": adapter.name, "prompts": len(prompts), "verdict": record["verdict"]}


def generate_sides(
    context: RunContext, networks: Mapping[str, nn.Module], prompts: Sequence[Prompt], target: Path, device: str
) -> dict[str, list[SideFiles]]:
    """Audio of both sides: one pair of networks, the adapter's scale at 0 for the base."""
    from tunesmith.evaluation.compare import write_side
    from tunesmith.run.generate import produce, requests_for
    from tunesmith.training.adapters import set_scale

    recipe = context.recipe.evaluate
    plain = context.family.plain_options()
    requests = [replace(r, options=plain) for r in requests_for(prompts, recipe.seconds, recipe.seed)]
    sides = {}
    wanted = {"base_model": 0.0, "lora_model": 1.0} if recipe.compare else {"lora_model": 1.0}
    for name, scale in wanted.items():
        set_scale(networks, scale)
        made = produce(context, networks, requests, context.voice, device, what=name.replace("_", " "))
        sides[name] = write_side(target / name, made, context.recipe.generate.format)
    return sides


def measure_losses(context: RunContext, networks: Mapping[str, nn.Module], device: str) -> LossPair | None:
    """Held-out and base-style losses with and without the adapter; ``None`` where nothing is encoded."""
    from tunesmith.training.adapters import set_scale
    from tunesmith.training.bench import open_clips
    from tunesmith.training.replay import stored_base_style
    from tunesmith.training.validation import fixed_batches, fixed_items, measure_networks

    if not context.folder.manifest.exists() or not context.folder.cache.exists():
        return None
    _, valid = open_clips(context)
    size = context.recipe.train.batch_size
    held_out = fixed_batches(context.family, fixed_items(valid), size) if valid is not None else []
    style = fixed_batches(context.family, stored_base_style(context), size)

    def measured(scale: float) -> tuple[Measured | None, Measured | None]:
        set_scale(networks, scale)
        loss = functools.partial(measure_networks, context.family, networks, device=device)
        return loss(batches=held_out) if held_out else None, loss(batches=style) if style else None

    (base, base_style), (tuned, tuned_style) = measured(0.0), measured(1.0)
    pair = (base_style.loss, tuned_style.loss) if base_style is not None and tuned_style is not None else None
    return LossPair(base, tuned, pair, len(valid) if valid is not None else 0)


def as_losses(pair: LossPair | None) -> Losses | None:
    """The losses as the diagnosis wants them."""
    from tunesmith.evaluation.diagnosis import Losses

    if pair is None or pair.adapter is None or pair.base is None:
        return None
    style = pair.base_style or (None, None)
    return Losses(
        base_heldout=pair.base.loss,
        adapter_heldout=pair.adapter.loss,
        base_forgetting=style[0],
        adapter_forgetting=style[1],
        heldout_clips=pair.clips,
    )
