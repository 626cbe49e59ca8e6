"""The evaluate stage: base against adapter on the same prompts and seeds, held-out loss of both, findings in words."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunesmith.data.prompt import Prompt
from tunesmith.data.sample import edit_type
from tunesmith.evaluation.loss_pairs import LossPair
from tunesmith.prompting.choose import choose_prompts
from tunesmith.prompting.text_warnings import warn_of_texts
from tunesmith.run.context import RunContext
from tunesmith.run.evaluated import absent_samples, evaluated_samples, first_of
from tunesmith.run.rounds import new_round
from tunesmith.stages.kept_sounds import KeptSounds
from tunesmith.stages.loss_meter import encode_quietly
from tunesmith.stages.planned import with_bounded_outputs
from tunesmith.stages.probes import measure_probes
from tunesmith.stages.sides import ADAPTER, BASE, STRENGTHS, generate_sides
from tunesmith.texts import Message, msg

if TYPE_CHECKING:
    from torch import nn

    from tunesmith.families.contract import Batch, Family
    from tunesmith.families.loss_terms import LossResult
    from tunesmith.records.comparison import RunVerdict
    from tunesmith.training.clips import Clips


_OWN = (BASE, ADAPTER, STRENGTHS, "reference", "prompt", "comparison_results.json")
"""What an evaluation writes into its folder."""


def evaluate(context: RunContext) -> dict[str, Any]:
    """Compare the run's best adapter with its base into ``evaluation/``, which changes when all of it is there."""
    from tunesmith.run.adapted import adapter_folder

    context = with_bounded_outputs(context, "evaluate")
    name_absent_clips(context)
    with new_round(context.folder.evaluation, _OWN) as target:
        return compare(context, adapter_folder(context), target)


def name_absent_clips(context: RunContext) -> None:
    """Say which held-out clips are gone since they were checked, and so are left out."""
    gone = [sample.id for sample in absent_samples(context.folder) if sample.split == "valid"]
    if gone:
        context.console.warn(
            msg(
                "{count} held-out clips are not there any more and are left out: {clips}",
                count=len(gone),
                clips=first_of(gone),
            )
        )


def compare(context: RunContext, adapter: Path, target: Path) -> dict[str, Any]:
    """Generate both sides, measure everything, and write ``comparison_results.json`` into ``target``."""
    from tunesmith.evaluation.compare import build_comparison
    from tunesmith.evaluation.speech.measures import speech_evaluator_of
    from tunesmith.prompting.spoken import base_style_prompts
    from tunesmith.run.adapted import in_bf16, load_adapted
    from tunesmith.run.device import pick_device

    recipe = context.recipe.evaluate
    device = pick_device(context.recipe.model.device)
    prompts = choose_prompts(context, recipe.prompts, recipe.count, recipe.seconds)
    warn_of_texts(context, prompts)
    base_prompts = () if recipe.prompts else context.family.generation.base_prompts()[: recipe.forgetting_prompts]
    further = [text for text in base_prompts if text not in {p.text for p in prompts}]
    speech = speech_evaluator_of(context, device)
    prompts += base_style_prompts(context, further) if speech else [Prompt(text, "base_style") for text in further]
    networks = load_adapted(context.family, adapter, device, bf16=in_bf16(context, device))
    kept = KeptSounds.of(context, adapter)
    with context.family.encoding.kept(device):
        sides = generate_sides(context, networks, prompts, target, device, kept, speech)
        losses = measure_losses(context, networks, device)
        if losses is not None:
            style = style_batches(context, networks, device)
            probes = measure_probes(context, networks, device, style, losses.base_style, adapter)
            losses = replace(losses, probes=probes)
        record = build_comparison(context, prompts, sides, losses, target, adapter, speech)
    record.write(target / "comparison_results.json")
    kept.forget()
    verdict = record.verdict
    tell(context, verdict)
    return {"adapter": adapter.name, "prompts": len(prompts), "verdict": verdict.to_json()}


def tell(context: RunContext, verdict: RunVerdict) -> None:
    """Print what was learnt, what got worse, why, and what to do next."""
    whys = [msg("Why: {title}: {sentence}", title=c.title, sentence=c.sentence) for c in verdict.causes]
    for sentence in (verdict.learnt, verdict.worse, *whys, msg("Next: {advice}", advice=verdict.next)):
        if sentence:
            context.console.log(Message("  {said}", {"said": sentence}))


def measure_losses(context: RunContext, networks: Mapping[str, nn.Module], device: str) -> LossPair | None:
    """Held-out and base-style losses with and without the adapter; ``None`` where nothing is encoded."""
    from tunesmith.adapters.scale import set_scale
    from tunesmith.training.setup import held_out_clips
    from tunesmith.training.validation import fixed_batches, fixed_items, measure_networks

    if not context.folder.manifest.exists() or not context.folder.cache.exists():
        return None
    held_out = [sample for sample in evaluated_samples(context.folder) if sample.split == "valid"]
    samples = encode_quietly(context, held_out)
    valid, replayed = held_out_clips(context, samples)
    family, size = context.family, context.recipe.train.batch_size
    items = fixed_items(valid) if valid is not None else []
    style = style_batches(context, networks, device)

    def base_style() -> float | None:
        return measure_networks(family, networks, style, device).loss if style else None

    if family.is_speech:
        measure = functools.partial(each_loss, family, networks, by_kind(family, valid, replayed), device)
    else:
        measure = functools.partial(all_losses, family, networks, fixed_batches(family, items, size), device)
    set_scale(networks, 0.0)
    (base, base_each), before = measure(), base_style()
    set_scale(networks, 1.0)
    (tuned, tuned_each), after = measure(), base_style()
    pair = (before, after) if before is not None and after is not None else None
    by_type = {kind: (base_each[kind], tuned_each[kind]) for kind in base_each}
    return LossPair(base, tuned, pair, len(items), by_type, unreadable=len(held_out) - len(samples))


def style_batches(context: RunContext, networks: Mapping[str, nn.Module], device: str) -> list[Batch]:
    """The base model's own outputs, on which forgetting is measured."""
    from tunesmith.training.base_outputs import base_style_items
    from tunesmith.training.validation import fixed_batches

    items = base_style_items(context, networks, device)
    return fixed_batches(context.family, items, context.recipe.train.batch_size)


def by_kind(family: Family, valid: Clips | None, replays: Clips | None) -> list[tuple[bool, str, Batch]]:
    """Every held-out clip alone: whether it is the user's own, its edit type, and its batch."""
    from tunesmith.training.validation import fixed_items

    found = []
    for held_out, from_user in ((valid, True), (replays, False)):
        if held_out is None:
            continue
        samples = sorted(held_out.samples, key=lambda sample: sample.id)
        for sample, item in zip(samples, fixed_items(held_out), strict=True):
            found.append((from_user, edit_type(sample.attributes), family.objective.collate([item], None)))
    return found


def all_losses(
    family: Family, networks: Mapping[str, nn.Module], batches: Sequence[Batch], device: str
) -> tuple[LossResult | None, dict[str, list[float]]]:
    """Loss over all batches; ``None`` without any."""
    from tunesmith.training.validation import measure_networks

    return (measure_networks(family, networks, batches, device) if batches else None), {}


def each_loss(
    family: Family, networks: Mapping[str, nn.Module], held_out: Sequence[tuple[bool, str, Batch]], device: str
) -> tuple[LossResult | None, dict[str, list[float]]]:
    """Loss over the user's own clips, and of every clip by edit type."""
    import torch

    from tunesmith.families.loss_terms import LossAccumulator
    from tunesmith.training.state import to_device

    total, each = LossAccumulator(), defaultdict[str, list[float]](list)
    with torch.no_grad():
        for from_user, kind, batch in held_out:
            terms, single = family.objective.loss(networks, to_device(batch, device), None), LossAccumulator()
            if from_user:
                total.add(terms)
            single.add(terms)
            each[kind].append(single.result().loss)
    return (total.result() if any(from_user for from_user, _, _ in held_out) else None), dict(each)
