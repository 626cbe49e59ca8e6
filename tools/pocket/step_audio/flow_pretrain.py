"""Pretraining of the pocket's flow by conditional flow matching: from codes, speaker and a prompt's mel to the mel.

The velocity's error is that which the family fine-tunes with; here all of the network learns, encoder included.

Shape legend: B items, T tokens (25 Hz), F mel frames (50 Hz), C mel channels, E speaker vector.
"""

from __future__ import annotations

from pathlib import Path

import torch

from tools.pocket.pretraining import PretrainPlan, Report, Trained
from tools.pocket.step_audio.corpus import SpeechCorpus
from tools.pocket.step_audio.flow_data import Canvas, FlowDraws, Scene, Scenes, batch, collate, flow_draws
from tools.pocket.step_audio.training import train
from tunesmith.families.step_audio.config import EstimatorConfig, FlowConfig, FlowEncoderConfig, TokenIds
from tunesmith.families.step_audio.objective import velocity_error
from tunesmith.families.step_audio.parts.flow import Flow

ROWS = 8
PEAK_RATE = 2e-3
WIDTH = 96
GUIDANCE = 0.2
"""At inference; the released model's 0.7 makes this one 4 dB too loud, since it exaggerates all contrast."""
_MEL_DEVIATION = 3.0


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


def flow_loss(flow: Flow, canvas: Canvas, rngs: FlowDraws) -> torch.Tensor:
    """Mean squared error of the velocity over the frames that are not known."""
    mu, mask = flow.mu(canvas.tokens, canvas.lengths)
    frames = torch.arange(mu.shape[1])
    known = (frames < canvas.known[:, None]) & rngs.prompted[:, None] & rngs.kept[:, None]
    kept = rngs.kept[:, None].float()
    counted = mask & ~known
    given = (
        mask[:, None],
        (mu * kept[..., None]).mT,
        flow.speaker(canvas.speaker) * kept,
        (canvas.mel * known[..., None]).mT,
    )
    error = velocity_error(flow.velocity, canvas.mel.mT, rngs.noise.mT, rngs.time, given, counted[:, None].float())
    return error / counted.sum()


def pretrain_flow(flow: Flow, scenes: Scenes, plan: PretrainPlan, *, seed: int, state: Path, report: Report) -> Trained:
    """Train all of it by :func:`train`."""
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


def mean_mel(corpus: SpeechCorpus) -> torch.Tensor:
    """Mean log-mel (C,) of the clips that have one."""
    return torch.cat([clip.mel.float() for clip in corpus.plain if clip.mel is not None], dim=1).mean(dim=1)
