"""The figures of a pocket ACE-Step as a page."""

from __future__ import annotations

from typing import Any

from tools.pocket import sound
from tunesmith.pocket.synth import BASE_STYLES

BEATING = tuple(style for style in BASE_STYLES if style != "ambient")

ABOUT = """
A teaching and testing model in the layout of ACE-Step v1's checkpoint: the same four folders, tensor names and classes,
a thousandth of the size. It knows six synthetic styles and nothing else, and says nothing about the quality of the
released model.

What it cannot do:

- **It cannot sing.** The synthesiser has no voice. A fifth of the pretraining clips had random words under structure
  tags as lyrics, only so that the lyric encoder has seen tokens; changing the lyrics changes nothing you would want.
- Its vocoder is `MelInversion`: phases are estimated, nothing is learnt, and there is nothing above 16 kHz.
- It has neither the transformer blocks (15 to 19) nor the lyric layers (4 and 5) that entropy-rectifying guidance
  weakens, so of that guidance only the part on the tags acts.
- Heads for the self-supervised losses are left out.
- Every style has one or two tempos between 60 and 150 bpm and no change of section: it knows loops, not songs.

Both vocabularies are this project's own: captions are words from a list, other words are spelt letter by letter; lyrics
are byte pairs with the released vocabulary's markers at other ids, in `lyric_vocab.json`.
"""


def markdown(values: dict[str, Any]) -> str:
    """The figures as ``NUMBERS.md``."""
    lines = ["# Pocket ACE-Step, in numbers", ABOUT, *_recipe(values), "", *_codec(values), "", *_transformer(values)]
    return "\n".join([*lines, "", *_sounds(values)]) + "\n"


def _recipe(values: dict[str, Any]) -> list[str]:
    parameters = ", ".join(f"{name} {count / 1e6:.2f} M" for name, count in values["parameters"].items())
    return [
        f"- Parameters: {parameters}. Folder: {values['folder_mb']} MB, weights in float16.",
        f"- Vocabularies: {values['caption_tokens']} caption tokens, {values['lyric_tokens']} lyric tokens.",
        f"- Made by `make pocket-ace-step SEED={values['seed']}` on a CPU: {values['clips_per_style']}"
        " clips of 12 s per base style.",
        f"- Autoencoder: {values['codec_updates']} updates in {values['codec_minutes']} min on all seven styles"
        f" (batches of 8 x 3 s, AdamW 2e-3, bf16), final loss {values['codec_loss']}.",
        f"- Transformer and text encoder together: {values['updates']} updates in {values['training_minutes']} min on",
        "  the six base styles (about 1000 latent frames each, AdamW 1.5e-3, bf16); their moving average ships.",
        "  The objective is the released trainer's: noise levels logit-normal and shifted by 3, error of the clean",
        "  latent. Text dropped for 15 % of the clips, tags in a drawn order. (Minutes on a busy machine count whole.)",
        f"- Peak memory: {values['peak_memory_mib']} MiB.",
    ]


def _codec(values: dict[str, Any]) -> list[str]:
    lines = [
        "## Autoencoder, on held-out clips",
        "",
        "Mean error of the log-mel, level kept per band (40-120, 120-500, 500-2000, 2000-4500, 4500-16000 Hz), and the",
        "standard deviation of the scaled latents, which should be near 1.",
        "",
        "| style | error dB | bands dB | deviation |",
        "|---|---|---|---|",
    ]
    for style, row in values["styles"].items():
        bands = " / ".join(map(str, row["codec_band_db"]))
        lines.append(f"| {style} | {row['codec_error_db']} | {bands} | {row['latent_deviation']} |")
    return lines


def _transformer(values: dict[str, Any]) -> list[str]:
    sigmas = " / ".join(map(str, values["sigmas"]))
    lines = [
        "## Transformer, on held-out clips",
        "",
        f"Error of the predicted clean latent at noise levels {sigmas}; a model that only knows the mean has about 1.",
        "The judge compares mean and movement of 128 mel bins with seven styles' centres: how many of six clips it",
        "gives to the style of their caption, for real clips through the autoencoder and for generated ones.",
        "",
        "| style | error | judged real | judged generated |",
        "|---|---|---|---|",
    ]
    for style, row in values["styles"].items():
        known = style if style in BASE_STYLES else f"{style} (never trained on)"
        loss = " / ".join(map(str, row["held_out_loss"]))
        lines.append(f"| {known} | {loss} | {row['real_judged']} | {row['generated_judged']} |")
    return lines


def _sounds(values: dict[str, Any]) -> list[str]:
    how = values["sampling"]
    return [
        "## Sound",
        "",
        f"Real clips through the codec, and clips from the same captions ({how['steps']} steps, {how['scheduler']},"
        f" {how['guidance_type']} {how['guidance']}).",
        f"Over the base styles with a beat, a real clip has a pulse of {_mean(values, 'real', 'pulse')}, a"
        f" generated one {_mean(values, 'generated', 'pulse')}:",
        "a strict loop has 1, music without a beat about 0.2. What a style sounds like is learnt before its rhythm is.",
        "",
        *sound.table(values["styles"]),
    ]


def _mean(values: dict[str, Any], kind: str, name: str) -> float:
    """A measurement's mean over the base styles that have a beat."""
    rows = [row[kind][name] for style, row in values["styles"].items() if style in BEATING]
    mean: float = round(sum(rows) / max(1, len(rows)), 2)
    return mean
