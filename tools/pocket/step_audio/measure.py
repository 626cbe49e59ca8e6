"""The honest figures of the pocket Step-Audio-EditX: stored (16-bit) weights, sentences never trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tools.pocket.progress import Advance
from tools.pocket.step_audio.corpus import SpeechCorpus, spoken
from tools.pocket.step_audio.edits import EDITS, Edit, manner
from tools.pocket.step_audio.espeak import BASE_VOICES, NEW_VOICE, EspeakVoice, Wave, speak
from tools.pocket.step_audio.flow_data import Scenes
from tools.pocket.step_audio.flow_pretrain import held_out_flow
from tools.pocket.step_audio.language import held_out
from tools.pocket.step_audio.sample import Player, SpokenResult
from tools.pocket.step_audio.samples import Samples
from tools.pocket.step_audio.sentences import draw_sentence
from tools.pocket.step_audio.traits import traits
from tools.pocket.step_audio.word_check import right_of, said_right
from tunesmith.data.item_rng import ItemRng
from tunesmith.families.step_audio.small.codes import padded_mel

SENTENCES = 52
_REFERENCES = ("seven red boats sleep tonight", "some happy children dance outside", "my old horses run quickly")


def numbers(
    player: Player, held: SpeechCorpus, seed: int, advance: Advance, sentences: int = SENTENCES
) -> dict[str, Any]:
    """Everything that ``NUMBERS.md`` states of sound and loss.

    Args:
        player: The finished checkpoint's parts.
        held: Held-out clips with their edits, spectrograms included.
        seed: Of the build.
        advance: Called with the share done and a note.
        sentences: How many are cloned; an edit is measured on fewer.
    """
    made: dict[str, Any] = {"loss": losses(player, held)}
    voices = {voice.name: voice for voice in (*BASE_VOICES, NEW_VOICE)}
    shares = {"base": [voices[clip.voice] for clip in held.plain[:sentences]], "new": [NEW_VOICE] * (sentences // 2)}
    for done, (name, speakers) in enumerate(shares.items()):
        advance(0.4 * done, f"clones in {name} voices")
        made[f"clone_{name}"] = cloned(player, speakers, seed, paint_real=name == "base")
    edits: dict[str, Any] = {}
    for done, edit in enumerate(EDITS):
        advance(0.6 + 0.4 * done / len(EDITS), f"edit {edit.kind} {edit.info}")
        edits[" ".join(filter(None, (edit.kind, edit.info)))] = edited(player, edit, seed, max(1, sentences // 4))
    return {**made, "edits": edits}


def losses(player: Player, held: SpeechCorpus) -> dict[str, Any]:
    """Cross entropy (nats) and accuracy of the language model, and the flow's loss, for clones and edits."""
    samples, scenes = Samples(held, player.text, player.parts.ids), Scenes(held, player.parts.ids)
    prompts = held.plain[len(BASE_VOICES) :] + held.plain[: len(BASE_VOICES)]  # the next of the same voice
    pairs = list(zip(prompts, held.plain, strict=True))
    language = {
        "clone": held_out(player.parts.language, [samples.clone(*pair) for pair in pairs]),
        "edit": held_out(player.parts.language, [samples.edit(*pair) for pair in scenes.pairs]),
    }
    flow = {
        "clone": held_out_flow(player.parts.flow, [scenes.scene(*pair) for pair in pairs]),
        "edit": held_out_flow(player.parts.flow, [scenes.edit(*pair) for pair in scenes.pairs]),
    }
    return {
        kind: {
            "cross_entropy": round(language[kind][0], 3),
            "accuracy": round(language[kind][1], 3),
            "flow": round(flow[kind], 3),
        }
        for kind in language
    }


def cloned(player: Player, voices: Sequence[EspeakVoice], seed: int, paint_real: bool) -> dict[str, Any]:
    """Held-out sentences in the voice of a held-out prompt: is the right one said, and how long does it take?

    Args:
        player: What speaks.
        voices: One for every sentence.
        seed: Draws sentences and prompts.
        paint_real: Also paint the true codes, which shows what flow and vocoder lose alone.
    """
    rngs = [ItemRng(seed, number, "measure").generator("clone") for number in range(len(voices))]
    prompts = [_heard(player, draw_sentence(rng, True), voice) for rng, voice in zip(rngs, voices, strict=True)]
    truths = [_heard(player, draw_sentence(rng, True), voice) for rng, voice in zip(rngs, voices, strict=True)]
    answers = player.cloned(prompts, [truth.text for truth in truths])
    made = _spoken(player, prompts, answers)
    out = {"right": _judged(player, made, truths, voices, rngs), "voice_right": voiced_right(player, made, voices)}
    if paint_real:
        waves = _spoken(player, prompts, [clip.ids for clip in truths])
        out["right_from_true_codes"] = _judged(player, waves, truths, voices, rngs)
    ratios = [len(answer) / len(truth.ids) for answer, truth in zip(answers, truths, strict=True)]
    worst = max(ratios, key=_off)
    return {**out, "duration_ratio": _mean(ratios), "duration_ratio_worst": round(worst, 2)}


def voiced_right(player: Player, waves: Sequence[Wave], voices: Sequence[EspeakVoice]) -> str:
    """How many waves have a speaker vector that is nearest to their own voice's, of the base's and the examples'."""
    known = {
        voice.name: np.mean([player.hear(text, speak(text, voice)).speaker.numpy() for text in _REFERENCES], axis=0)
        for voice in (*BASE_VOICES, NEW_VOICE)
    }
    flags = []
    for wave, voice in zip(waves, voices, strict=True):
        vector = player.hear("", wave).speaker.numpy()
        nearest = max(known, key=lambda name: float(vector @ known[name] / np.linalg.norm(known[name])))
        flags.append(nearest == voice.name)
    return right_of(flags)


def edited(player: Player, edit: Edit, seed: int, count: int) -> dict[str, Any]:
    """Held-out sources edited, beside their true targets: the right words, and what the edit is about."""
    turns, every = len(BASE_VOICES), len(BASE_VOICES) * len(EDITS)
    numbers = [every * (n // turns) + turns * EDITS.index(edit) + n % turns for n in range(count)]
    pairs = [spoken(number, seed + 1, held_out=True) for number in numbers]
    sources = [player.hear(pair.text, pair.other if edit.spoilt else pair.plain) for pair in pairs]
    truths = [player.hear(pair.text, pair.plain if edit.spoilt else pair.other) for pair in pairs]
    answers = player.edited(sources, edit.kind, edit.info)
    rngs = [ItemRng(seed, number, "measure").generator("edit") for number in numbers]
    voices = [manner(edit, pair.voice) for pair in pairs]
    made = _spoken(player, sources, answers)
    return {
        "right": _judged(player, made, truths, voices, rngs),
        "source": _traits([clip.wave for clip in sources]),
        "made": _traits(made),
        "true": _traits([clip.wave for clip in truths]),
    }


def _spoken(player: Player, prompts: Sequence[SpokenResult], answers: Sequence[list[int]]) -> list[Wave]:
    return [player.speak(prompt, ids) for prompt, ids in zip(prompts, answers, strict=True)]


def _judged(
    player: Player, waves: Sequence[Wave], truths: Sequence[SpokenResult], voices: Sequence[EspeakVoice],
    rngs: Sequence[np.random.Generator],
) -> str:  # fmt: skip
    flags = []
    for wave, truth, voice, rng in zip(waves, truths, voices, rngs, strict=True):
        mel = padded_mel(wave, player.parts.config)
        flags.append(said_right(mel, truth.text, voice, player.parts.config, rng)[0])
    return right_of(flags)


def _heard(player: Player, text: str, voice: EspeakVoice) -> SpokenResult:
    return player.hear(text, speak(text, voice))


def _traits(waves: Sequence[Wave]) -> dict[str, float]:
    rows = [traits(wave) for wave in waves]
    return {name: _mean([row[name] for row in rows]) for name in rows[0]}


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 2)


def _off(ratio: float) -> float:
    """How far a ratio is from 1, on a logarithmic scale."""
    return abs(float(np.log(max(ratio, 1e-3))))
