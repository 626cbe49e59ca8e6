"""The figures of a pocket Step-Audio-EditX as a page."""

from __future__ import annotations

from typing import Any

from tools.pocket.step_audio.espeak import BASE_VOICES, NEW_VOICE
from tools.pocket.step_audio.sentences import CLASSES

ABOUT = """
A teaching and testing model in the layout of Step-Audio-EditX's checkpoint: the same two networks by the same classes
and tensor names, the language model a three-thousandth of its size, the flow a hundredth. It knows {words} English
words in the voices of a formant synthesiser (espeak-ng) and nothing else, and says nothing about the quality of the
released model.

What is not the released model's:

- Tokenisers, speaker vector and vocoder are small ones of our own behind the same interfaces: k-means over mel frames
  ({vq02} and {vq06} codes), mel statistics turned by a random matrix, Griffin-Lim. There is no `hift.pt`.
- The text vocabulary is its own. Words beyond its list are spelt in bytes that no training has seen: it cannot say
  them. The words are:
{list}
- Edits: speed (faster, slower), style (whisper, loudly), denoise, vad. No emotions, no laughter, no other style.
- Speech above 8 kHz is missing, and phases are estimated: it sounds like a synthesiser over a telephone.
"""
_UNITS = {"seconds": "length s", "level_db": "level dB", "floor_db": "floor dB", "silence_s": "longest silence s",
          "voicing": "voicing"}  # fmt: skip


def markdown(values: dict[str, Any]) -> str:
    """The figures as ``NUMBERS.md``."""
    about = ABOUT.format(
        words=sum(map(len, CLASSES)), vq02=values["vq02"], vq06=values["vq06"],
        list="\n".join(f"  - {', '.join(words)}" for words in CLASSES),
    )  # fmt: skip
    lines = ["# Pocket Step-Audio-EditX, in numbers", about, *_recipe(values), "", *_clones(values)]
    return "\n".join([*lines, "", *_edits(values)]) + "\n"


def _recipe(values: dict[str, Any]) -> list[str]:
    parameters = ", ".join(f"{name} {count / 1e6:.2f} M" for name, count in values["parameters"].items())
    names = ", ".join(voice.name for voice in BASE_VOICES)
    return [
        f"- Parameters: {parameters}. Folder: {values['folder_mb']} MB, weights in float16, example voice included.",
        f"- Made by `make pocket-step-audio SEED={values['seed']}` on a CPU from {values['sentences']} sentences in",
        f"  {len(BASE_VOICES)} voices ({names}), each with one edit. A sixteenth of all sentences of three words or"
        " more is kept",
        "  from training.",
        f"- Language model: {values['language_updates']} updates in {values['language_minutes']} min, half"
        " clones, half edits; the moving",
        "  average ships. Besides the answer, the loss counts the prompt's audio with weight 0.3; a fine-tuning does"
        " not.",
        f"- Flow: {values['flow_updates']} updates in {values['flow_minutes']} min of conditional flow matching.",
        f"- The example voice ({NEW_VOICE.name}) is in neither training. (Minutes on a busy machine count whole.)",
        f"- Peak memory: {values['peak_memory_mib']} MiB.",
    ]


def _clones(values: dict[str, Any]) -> list[str]:
    base, new, loss = values["clone_base"], values["clone_new"], values["loss"]
    return [
        "## Clones, on sentences never trained on",
        "",
        "Said right: of eight sentences that differ in one word, synthesised in the same voice, the asked one is the",
        "nearest to what was made, time warped. Chance is one in eight. Lengths are relative to the synthesiser's.",
        "",
        "Right voice: of the base's and the examples' five voices, the prompt's is the nearest by the speaker vector.",
        "",
        "| prompt's voice | said right | right voice | mean length | worst length |",
        "|---|---|---|---|---|",
        f"| a base voice | {base['right']} | {base['voice_right']} | {base['duration_ratio']} |"
        f" {base['duration_ratio_worst']} |",
        f"| a base voice, true codes | {base['right_from_true_codes']} | | 1 | 1 |",
        f"| the example voice, before any fine-tuning | {new['right']} | {new['voice_right']} |"
        f" {new['duration_ratio']} | {new['duration_ratio_worst']} |",
        "",
        "| held out | cross entropy of codes, nats | accuracy of codes | flow loss |",
        "|---|---|---|---|",
        *(f"| {kind}s | {row['cross_entropy']} | {row['accuracy']} | {row['flow']} |" for kind, row in loss.items()),
    ]


def _edits(values: dict[str, Any]) -> list[str]:
    worst = min(values["edits"], key=lambda name: _share(values["edits"][name]["right"]))
    lines = [
        "## Edits, on sentences never trained on",
        "",
        "Source, what the model made of it, and the true target. Voicing is near 0.8 for speech, 0.2 for a whisper.",
        f"Words survive least in `{worst}`: {values['edits'][worst]['right']} sentences are still said right after it.",
        "",
        f"| edit | side | said right | {' | '.join(_UNITS.values())} |",
        "|---|---|---|" + "---|" * len(_UNITS),
    ]
    for edit, row in values["edits"].items():
        for side in ("source", "made", "true"):
            right = row["right"] if side == "made" else ""
            lines.append(f"| {edit} | {side} | {right} | {' | '.join(str(row[side][name]) for name in _UNITS)} |")
    return lines


def _share(right: str) -> float:
    """0.5 of ``"2/4"``."""
    hits, tries = right.split("/")
    return int(hits) / int(tries)
