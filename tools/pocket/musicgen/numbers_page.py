"""The honest figures of a pocket checkpoint: how well the codec keeps sound, what the decoder has learnt."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from tools.pocket import sound
from tools.pocket.musicgen.codec import CodecShape, band_levels, signal_to_noise
from tools.pocket.musicgen.corpus import encode, make_corpus, render_mono
from tools.pocket.musicgen.pretrain import held_out
from tools.pocket.pretraining import Trained
from tools.pocket.progress import Advance
from tools.pocket.prompts import HELD_OUT_SEED
from tunesmith.pocket.synth import BASE_STYLES, EXAMPLE_STYLE

if TYPE_CHECKING:
    from transformers import MusicgenForConditionalGeneration, T5Tokenizer

EDGES = (0.0, 120.0, 500.0, 2000.0, 4000.0, 6400.0)
CLIPS = 6


def numbers(
    model: MusicgenForConditionalGeneration,
    tokenizer: T5Tokenizer,
    trained: Trained,
    advance: Advance,
) -> dict[str, Any]:
    """Everything that ``NUMBERS.md`` states, measured on clips that were never trained on."""
    codec: Any = model.audio_encoder
    parts = {"text encoder": model.text_encoder, "codec": codec, "decoder": model.decoder}
    styles: dict[str, Any] = {}
    for done, style in enumerate((*BASE_STYLES, EXAMPLE_STYLE)):
        styles[style] = _style(model, tokenizer, style)
        advance((done + 1) / (len(BASE_STYLES) + 1), style)
    shape = CodecShape()
    return {
        "sample_rate": shape.sample_rate,
        "frame_rate": shape.frame_rate,
        "hop": shape.hop,
        "codebooks": codec.config.num_quantizers,
        "codebook_size": codec.config.codebook_size,
        "highest_hz": shape.highest_hz,
        "parameters": {name: sum(p.numel() for p in part.parameters()) for name, part in parts.items()},
        "updates": trained.updates,
        "training_minutes": round(trained.seconds / 60, 1),
        "uniform_loss": round(math.log(codec.config.codebook_size), 3),
        "styles": styles,
    }


def _style(model: MusicgenForConditionalGeneration, tokenizer: T5Tokenizer, style: str) -> dict[str, Any]:
    """Codec loss, held-out cross entropy and, for a base style, how generated clips measure beside real ones."""
    codec: Any = model.audio_encoder
    rate = codec.config.sampling_rate
    corpus = make_corpus(codec, (style,), CLIPS, HELD_OUT_SEED)
    real = np.stack([render_mono(style, 6.0, HELD_OUT_SEED + i, rate)[0] for i in range(CLIPS)])
    audio = torch.from_numpy(real)
    with torch.no_grad():
        decoded = codec.decode(encode(codec, audio)[None], [None]).audio_values[:, 0]
    before, after = band_levels(real.ravel(), rate, EDGES), band_levels(decoded.numpy().ravel(), rate, EDGES)
    out = {
        "codec_snr_db": round(signal_to_noise(audio, decoded), 1),
        "codec_band_db": [round(b - a, 1) for a, b in zip(before, after, strict=True)],
        "held_out_loss": [round(v, 3) for v in held_out(model, tokenizer, corpus)],
        "real": sound.average([sound.measure(clip, rate) for clip in decoded.numpy()]),
    }
    if style in BASE_STYLES:
        made = generate(model, tokenizer, corpus.captions, 6.0, seed=0)
        out["generated"] = sound.average([sound.measure(clip, rate) for clip in made])
    return out


def generate(
    model: MusicgenForConditionalGeneration, tokenizer: T5Tokenizer, captions: list[str], seconds: float, seed: int
) -> np.ndarray:
    """Audio (clips, samples) for ``captions``, with the library's own sampler and the folder's defaults."""
    codec: Any = model.audio_encoder.config
    frames = round(seconds * codec.frame_rate)
    text = tokenizer(captions, padding=True, return_tensors="pt")
    torch.manual_seed(seed)
    audio = model.generate(**text, max_new_tokens=frames + codec.num_quantizers - 1)
    return np.asarray(audio[:, 0].float().numpy())


def markdown(values: dict[str, Any]) -> str:
    """The figures as a page."""
    parameters = ", ".join(f"{name} {count / 1e6:.2f} M" for name, count in values["parameters"].items())
    lines = [
        "# Pocket MusicGen, in numbers",
        "",
        "A teaching and testing model in the format of `MusicgenForConditionalGeneration`. It knows six synthetic",
        "styles and nothing else; it says nothing about the quality of a real MusicGen checkpoint.",
        "",
        f"- Audio: {values['sample_rate']} Hz mono, {values['frame_rate']:.0f} frames per second (hop {values['hop']}),"
        f" {values['codebooks']} codebooks of {values['codebook_size']}, content up to {values['highest_hz']:.0f} Hz.",
        f"- Parameters: {parameters}. Folder: {values.get('folder_mb', '?')} MB, weights stored in float16.",
        "- Made by `make pocket-musicgen` on a CPU.",
        f"- Pretraining: {values['updates']} updates in {values['training_minutes']} minutes.",
        "- Before that, the first layer's attention was written to look back by one bar, since all styles here repeat",
        "  after one; a real checkpoint has learnt such things. Tempos are 120 and 150 bpm (or half of it), so that",
        "  a sixteenth note is a whole number of codec frames.",
        f"- A uniform guess scores {values['uniform_loss']} nats per code.",
        "",
        "Held-out clips. Codec bands: level kept, in dB, for 0-120, 120-500, 500-2000, 2000-4000, 4000-6400 Hz.",
        "",
        "| style | codec SNR dB | codec bands dB | held-out loss per codebook |",
        "|---|---|---|---|",
    ]
    for style, row in values["styles"].items():
        bands, loss = (" / ".join(map(str, row[key])) for key in ("codec_band_db", "held_out_loss"))
        known = "" if "generated" in row else " (never trained on)"
        lines.append(f"| {style}{known} | {row['codec_snr_db']} | {bands} | {loss} |")
    lines += ["", "Real clips through the codec, and clips generated from the same captions:", ""]
    return "\n".join([*lines, *sound.table(values["styles"])]) + "\n"
