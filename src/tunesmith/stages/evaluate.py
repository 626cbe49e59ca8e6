"""The evaluate stage: base against adapter on the same prompts and seeds, held-out loss of both, findings in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunesmith.data.prompt import Prompt
from tunesmith.data.replay import is_replay
from tunesmith.data.sample import Sample, edit_type
from tunesmith.evaluation.loss_pairs import LossPair
from tunesmith.prompting.choose import choose_prompts
from tunesmith.prompting.text_warnings import warn_of_texts
from tunesmith.run.context import RunContext
from tunesmith.run.evaluated import absent_samples, evaluated_samples, first_of
from tunesmith.run.rounds import new_round
from tunesmith.stages.kept_sounds import KeptSounds
from tunesmith.stages.loss_meter import Meter, batches_of, encode_quietly
from tunesmith.stages.planned import with_bounded_outputs
from tunesmith.stages.probes import measure_probes, spread
from tunesmith.stages.sides import ADAPTER, BASE, STRENGTHS, generate_sides
from tunesmith.texts import Message, msg

if TYPE_CHECKING:
    from torch import nn

    from tunesmith.families.contract import Batch
    from tunesmith.families.loss_terms import LossResult
    from tunesmith.records.comparison import RunVerdict


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
        meter = Meter(context, networks, device)
        losses = measure_losses(meter)
        if losses is not None:
            style = style_batches(context, networks, device)
            probes = measure_probes(meter, style, losses.base_style, adapter)
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


def measure_losses(meter: Meter) -> LossPair | None:
    """Held-out and base-style losses with and without the adapter; ``None`` where nothing is encoded."""
    from tunesmith.families.loss_terms import result_of

    context = meter.context
    if not context.folder.manifest.exists() or not context.folder.cache.exists():
        return None
    held_out = [sample for sample in evaluated_samples(context.folder) if sample.split == "valid"]
    samples = encode_quietly(context, held_out)
    own = [sample for sample in samples if not is_replay(sample)]
    base, tuned = held_out_losses(meter, own)
    style = style_batches(context, meter.networks, meter.device)
    before, after = (result_of([meter.sums_at(scale, style)]).loss for scale in (0.0, 1.0))
    by_type = losses_by_type(meter, samples) if context.family.is_speech else {}
    return LossPair(
        base, tuned, (before, after) if style else None, len(own), by_type, unreadable=len(held_out) - len(samples)
    )


def held_out_losses(meter: Meter, samples: Sequence[Sample]) -> tuple[LossResult | None, LossResult | None]:
    """Loss of base and adapter over held-out clips; ``None`` without any.

    Those that are probed pass one by one, for the probes; in music, the others in batches.
    """
    from tunesmith.families.loss_terms import result_of

    if not samples:
        return None, None
    alone = list(samples) if meter.context.family.is_speech else spread(samples)
    names = {sample.id for sample in alone}
    batches = batches_of(meter.context, [sample for sample in samples if sample.id not in names])
    sides = zip((0.0, 1.0), meter.sums(alone), strict=True)
    base, tuned = (result_of([*side.values(), meter.sums_at(scale, batches)]) for scale, side in sides)
    return base, tuned


def losses_by_type(meter: Meter, samples: Sequence[Sample]) -> dict[str, tuple[list[float], list[float]]]:
    """Losses of base and adapter on every held-out clip, the user's own ones first, by edit type."""
    from tunesmith.families.loss_terms import result_of

    found: dict[str, tuple[list[float], list[float]]] = {}
    in_turn = sorted(samples, key=lambda sample: (is_replay(sample), sample.id))
    base, tuned = meter.sums(in_turn)
    for sample in in_turn:
        sides = found.setdefault(edit_type(sample.attributes), ([], []))
        for losses, side in zip(sides, (base, tuned), strict=True):
            losses.append(result_of([side[sample.id]]).loss)
    return found


def style_batches(context: RunContext, networks: Mapping[str, nn.Module], device: str) -> list[Batch]:
    """The base model's own outputs, on which forgetting is measured."""
    from tunesmith.training.base_outputs import base_style_items
    from tunesmith.training.validation import fixed_batches

    items = base_style_items(context, networks, device)
    return fixed_batches(context.family, items, context.recipe.train.batch_size)
