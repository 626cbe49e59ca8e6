"""Pretraining of the pocket's flow by conditional flow matching: from codes, speaker and a prompt's mel to the mel.

The velocity's error is that which the family fine-tunes with; here all of the network learns, encoder included.

Shape legend: B items, T tokens (25 Hz), F mel frames (50 Hz), C mel channels, E speaker vector.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from tunesmith.data.draws import Draws
from tunesmith.families.step_audio.config import EstimatorConfig, FlowConfig, FlowEncoderConfig, TokenIds
from tunesmith.families.step_audio.objective import velocity_error
from tunesmith.families.step_audio.parts.flow import Flow
from tunesmith.families.step_audio.tokens import flow_tokens, pack
from tunesmith.pocket.pretrain import Plan, Trained
from tunesmith.pocket.speech.edits import EDITS
from tunesmith.pocket.speech.language import train
from tunesmith.pocket.speech.material import Clip, Material

ROWS = 8
PEAK_RATE = 2e-3
WIDTH = 96
DROPPED, KNOWN_PROMPT = 0.2, 0.8
"""Shares: of the items without any condition (for guidance), and of those whose prompt's mel is known."""
GUIDANCE = 0.2
"""At inference; the released model's 0.7 makes this one 4 dB too loud, since it exaggerates all contrast."""
_EDITED = 0.4
_SORTED = 8
_MEL_DEVIATION = 3.0


@dataclass(frozen=True)
class Scene:
    """Prompt and target of one item, end to end.

    Attributes:
        tokens: (T, 2), of both.
        mel: (F, C), of both.
        speaker: (E,), of the prompt.
        known: Frames of the prompt.
    """

    tokens: torch.Tensor
    mel: torch.Tensor
    speaker: torch.Tensor
    known: int


@dataclass(frozen=True)
class Canvas:
    """A batch: tokens (B, T, 2), their numbers (B,), mel (B, F, C), speakers (B, E), frames of the prompts (B,)."""

    tokens: torch.Tensor
    lengths: torch.Tensor
    mel: torch.Tensor
    speaker: torch.Tensor
    known: torch.Tensor


@dataclass(frozen=True)
class FlowDraws:
    """Times (B,), noise (B, F, C), whether an item keeps its conditions (B,) and whether its prompt is known (B,)."""

    time: torch.Tensor
    noise: torch.Tensor
    kept: torch.Tensor
    prompted: torch.Tensor


def flow_config(ids: TokenIds) -> FlowConfig:
    """Sizes of the pocket's flow."""
    encoder = FlowEncoderConfig(
        input_size=WIDTH, output_size=WIDTH, num_blocks=1, num_up_blocks=1, attention_heads=4, linear_units=2 * WIDTH,
        dropout_rate=0.0,
    )  # fmt: skip
    estimator = EstimatorConfig(depth=3, num_heads=4, head_dim=WIDTH // 4, hidden_size=WIDTH)
    return FlowConfig(
        input_size=WIDTH, vocab_size=ids.flow_vocabulary, encoder=encoder, estimator=estimator,
        inference_cfg_rate=GUIDANCE,
    )  # fmt: skip


def make_flow(ids: TokenIds, mean_C: torch.Tensor, seed: int) -> Flow:
    """A new flow that begins at the mean mel (C,), since raw log-mel is far from zero."""
    torch.manual_seed(seed)
    flow = Flow(flow_config(ids))
    estimator, bins = flow.decoder.estimator, len(mean_C)
    with torch.no_grad():
        estimator.final_layer.linear.bias.copy_(mean_C)
        noisy, known = estimator.in_proj.weight[:, :bins], estimator.in_proj.weight[:, -bins:]
        noisy.div_(_MEL_DEVIATION)
        known.div_(_MEL_DEVIATION)
        estimator.in_proj.bias.copy_(-0.5 * (noisy + known) @ mean_C)
    return flow


class Scenes:
    """Draws pairs of clips that have a spectrogram.

    Args:
        material: Clips and their edits.
        ids: The ids of the model.
    """

    def __init__(self, material: Material, ids: TokenIds) -> None:
        self.ids = ids
        self.pairs = [pair for pair in zip(material.plain, material.other, strict=True) if pair[0].mel is not None]
        self._alike: dict[tuple[str, int], list[Clip]] = defaultdict(list)
        for clip in (clip for pair in self.pairs for clip in pair):
            self._alike[clip.voice, clip.edit].append(clip)
        self._kinds = list(self._alike)

    def draw(self, rng: np.random.Generator) -> Scene:
        """An edit, or two clips of a speaker in the same manner."""
        if rng.random() < _EDITED:
            return self.edit(*self.pairs[int(rng.integers(len(self.pairs)))])
        clips = self._alike[self._kinds[int(rng.integers(len(self._kinds)))]]
        prompt, target = (clips[int(place)] for place in rng.integers(len(clips), size=2))
        return self.scene(prompt, target)

    def edit(self, plain: Clip, other: Clip) -> Scene:
        """An edit pair: the source is the prompt, as it is at inference."""
        return self.scene(*((other, plain) if EDITS[other.edit].spoilt else (plain, other)))

    def scene(self, prompt: Clip, target: Clip) -> Scene:
        """The two one after the other."""
        assert prompt.mel is not None and prompt.speaker is not None and target.mel is not None
        codes = [one for clip in (prompt, target) for one in pack(clip.vq02.numpy(), clip.vq06.numpy(), self.ids)]
        mel = torch.cat([prompt.mel, target.mel], dim=1).T.float()
        tokens = torch.from_numpy(flow_tokens(codes, self.ids))
        return Scene(tokens, mel, prompt.speaker.float(), prompt.mel.shape[1])


def batch(scenes: Scenes, rows: int, seed: int, number: int) -> tuple[Canvas, FlowDraws]:
    """Batch ``number`` with its draws."""
    rng = Draws(seed, number // _SORTED, "flow").generator("scenes")
    drawn = sorted((scenes.draw(rng) for _ in range(rows * _SORTED)), key=lambda scene: len(scene.tokens))
    place = Draws(seed, number // _SORTED, "flow").generator("order").permutation(_SORTED)[number % _SORTED]
    canvas = collate(drawn[place * rows : (place + 1) * rows])
    return canvas, flow_draws(canvas, Draws(seed, number, "flow").seed_of("noise"))


def collate(scenes: list[Scene]) -> Canvas:
    """Items padded at the right with zeros."""
    pad = torch.nn.utils.rnn.pad_sequence
    return Canvas(
        pad([scene.tokens for scene in scenes], batch_first=True),
        torch.tensor([len(scene.tokens) for scene in scenes]),
        pad([scene.mel for scene in scenes], batch_first=True),
        torch.stack([scene.speaker for scene in scenes]),
        torch.tensor([scene.known for scene in scenes]),
    )


def flow_draws(canvas: Canvas, seed: int) -> FlowDraws:
    """What is random in the loss of a batch."""
    generator = torch.Generator().manual_seed(seed)
    rows = len(canvas.mel)
    time, kept, prompted = (torch.rand(rows, generator=generator) for _ in range(3))
    noise = torch.randn(canvas.mel.shape, generator=generator)
    return FlowDraws(time, noise, kept > DROPPED, prompted < KNOWN_PROMPT)


def flow_loss(flow: Flow, canvas: Canvas, draws: FlowDraws) -> torch.Tensor:
    """Mean squared error of the velocity over the frames that are not known."""
    mu, mask = flow.mu(canvas.tokens, canvas.lengths)
    frames = torch.arange(mu.shape[1])
    known = (frames < canvas.known[:, None]) & draws.prompted[:, None] & draws.kept[:, None]
    kept = draws.kept[:, None].float()
    counted = mask & ~known
    given = (
        mask[:, None],
        (mu * kept[..., None]).mT,
        flow.speaker(canvas.speaker) * kept,
        (canvas.mel * known[..., None]).mT,
    )
    error = velocity_error(flow.velocity, canvas.mel.mT, draws.noise.mT, draws.time, given, counted[:, None].float())
    return error / counted.sum()


def pretrain_flow(
    flow: Flow, scenes: Scenes, plan: Plan, *, seed: int, state: Path, report: Callable[[Trained, float], None]
) -> Trained:
    """Train all of it; it ends as the moving average of what it was, and an interrupted training goes on."""
    return train(
        flow, plan, lambda number: flow_loss(flow, *batch(scenes, ROWS, seed, number)), peak=PEAK_RATE, state=state,
        report=report,
    )  # fmt: skip


@torch.no_grad()
def held_out_flow(flow: Flow, scenes: list[Scene]) -> float:
    """The loss with fixed draws, all conditions and the prompt known."""
    losses = []
    for first in range(0, len(scenes), ROWS):
        canvas = collate(scenes[first : first + ROWS])
        drawn = flow_draws(canvas, first)
        always = torch.ones_like(drawn.kept)
        losses.append(float(flow_loss(flow, canvas, FlowDraws(drawn.time, drawn.noise, always, always))))
    return sum(losses) / len(losses)


def mean_mel(material: Material) -> torch.Tensor:
    """Mean log-mel (C,) of the clips that have one."""
    return torch.cat([clip.mel.float() for clip in material.plain if clip.mel is not None], dim=1).mean(dim=1)
