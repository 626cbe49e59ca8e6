"""A whole checkpoint of random weights with small front ends, and pairs of recordings: a second or two to train."""

from __future__ import annotations

from pathlib import Path

import torch

from tests.data.sounds import phrase, save
from tests.families.step_audio.tiny_flow import random_flow
from tests.families.step_audio.tiny_step1 import tiny_step1
from tests.training_runs import OFF, make_context
from tools.pocket.step_audio.assemble import SpeechParts, save_folder
from tools.pocket.step_audio.text_tokenizer import make_text_tokeniser
from tunesmith.data.sample import PROMPT, PROMPT_TEXT, AudioRef, Sample
from tunesmith.families.step_audio.config import (
    EstimatorConfig,
    FlowConfig,
    FlowEncoderConfig,
    MelConfig,
    Step1Config,
    TokenIds,
)
from tunesmith.families.step_audio.small import SmallConfig
from tunesmith.families.step_audio.small.codes import VQ02, VQ06, features, padded_mel
from tunesmith.families.step_audio.small.speaker import DEVIATION, MEAN, PROJECTION
from tunesmith.run.context import RunContext

BINS, WIDTH = 10, 6
MEL = MelConfig(num_mels=BINS)
SMALL = SmallConfig(mel=MEL, cepstra=5, iterations=4)
CODES = (8, 12)
FLOW_SIZES = FlowConfig(
    input_size=24,
    output_size=BINS,
    spk_embed_dim=WIDTH,
    vocab_size=sum(CODES) + 1,
    encoder=FlowEncoderConfig(
        input_size=24, output_size=24, num_blocks=1, num_up_blocks=1, attention_heads=2, linear_units=32
    ),
    estimator=EstimatorConfig(
        in_channels=4 * BINS, out_channels=BINS, mlp_ratio=2.0, depth=2, num_heads=2, head_dim=12, hidden_size=24
    ),
    inference_cfg_rate=0.5,
)
TEXTS = ("old boats dance", "two small trains run together", "my children wait", "white birds sing tonight")


def write_tiny(folder: Path) -> Path:
    """Write the checkpoint; returns its folder."""
    tokeniser = make_text_tokeniser()
    ids = TokenIds(tokeniser.get_vocab_size(with_added_tokens=True), *CODES)
    sizes = Step1Config(
        hidden_size=24,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=6,
        num_attention_groups=2,
        vocab_size=ids.audio_end,
    )
    random = torch.Generator().manual_seed(0)
    smooth, frames = features(padded_mel(phrase(0, 6.0, MEL.sampling_rate), SMALL), SMALL)
    tensors = {
        VQ02: smooth[:: len(smooth) // CODES[0]][: CODES[0]].contiguous(),
        VQ06: frames[:: len(frames) // CODES[1]][: CODES[1]].contiguous(),
        MEAN: torch.zeros(2 * BINS),
        DEVIATION: torch.ones(2 * BINS),
        PROJECTION: torch.randn(2 * BINS, WIDTH, generator=random),
    }
    folder.mkdir(parents=True)
    save_folder(SpeechParts(tiny_step1(sizes), random_flow(FLOW_SIZES), tokeniser, ids, tensors, SMALL), folder)
    return folder


def write_pairs(folder: Path, count: int = 8) -> list[Sample]:
    """Clones and edits of lengths between half a second and one and a half; the first two are held out."""
    made = []
    for number in range(count):
        refs = {}
        for role, seed in ((PROMPT, 100 + number), ("audio", number)):
            seconds = 0.5 + 0.15 * (seed % 7)
            path = save(folder / f"{number}-{role}.wav", phrase(seed, seconds, 24_000), 24_000)
            refs[role] = AudioRef(str(path), duration=seconds)
        texts = {"caption": TEXTS[number % 4], PROMPT_TEXT: TEXTS[(number + 1) % 4]}
        edit = {"edit_type": "style", "edit_info": "whisper"} if number % 4 == 3 else {}
        split = "valid" if number < 2 else "train"
        made.append(Sample(f"{number}", refs, texts, edit, source=f"{number}", split=split))
    return made


def make_speech_run(checkpoint: Path, pairs: list[Sample], root: Path, name: str, **sections) -> RunContext:
    """An encoded run on it: LoRA on the LLM, the flow's decoder itself; keyword arguments are recipe sections."""
    sections.setdefault("adapter", {"rank": 2, "alpha": 4, "networks": {"flow": {"kind": "full"}}})
    return make_context(checkpoint, pairs, root, name, gates=OFF, **sections)
