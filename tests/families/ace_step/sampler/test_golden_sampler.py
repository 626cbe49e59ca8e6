"""Final latents of every task and option, against what upstream's own pipeline made of the same weights."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.golden_files import assert_close, golden_path, golden_tensors
from tunesmith.families.ace_step.config import TransformerConfig, read_config
from tunesmith.families.ace_step.parts.weights import load_transformer
from tunesmith.families.ace_step.sampler.request import LatentRequest, SongPrompt
from tunesmith.families.ace_step.sampler.sample import sample
from tunesmith.families.ace_step.settings import AceStepSettings

FILE = "ace_step/sampler_deep20"
NAMES = {
    "cfg_type": "guidance_type",
    "guidance_scale": "guidance",
    "scheduler_type": "scheduler",
    "guidance_interval": "guidance_interval",
    "guidance_interval_decay": "guidance_decay",
    "min_guidance_scale": "min_guidance",
    "guidance_scale_text": "guidance_text",
    "guidance_scale_lyric": "guidance_lyric",
    "use_erg_lyric": "erg_lyric",
    "use_erg_diffusion": "erg_diffusion",
    "omega_scale": "omega",
    "infer_steps": "steps",
    "retake_variance": "variance",
    "ref_audio_strength": "strength",
    "n_min": "edit_start",
    "n_max": "edit_end",
    "n_avg": "edit_averages",
    "oss_steps": "only_steps",
}
TASKS = {
    "retake": "retake",
    "repaint": "repaint",
    "extend_left": "extend",
    "extend_right": "extend",
    "audio2audio": "audio2audio",
    "edit": "edit",
    "edit_half": "edit",
}
MODES = (
    "euler_apg", "euler_apg_erg", "euler_apg_erg_lyric_only", "euler_cfg", "euler_cfg_star", "heun_cfg",
    "pingpong_apg", "no_cfg", "decay", "double_cond", "oss", "retake", "repaint", "extend_right", "extend_left",
    "audio2audio", "edit", "edit_half",
)  # fmt: skip


EDIT_STEPS = 10
"""Upstream's two edits were run with these steps, and with a seed as far from the second one as that from the first;
neither is in the file."""


def settings_of(mode: dict[str, Any], task: str) -> AceStepSettings:
    values = {NAMES[key]: value for key, value in mode.items() if key in NAMES}
    off = {"erg_tag": True, "erg_lyric": False, "erg_diffusion": False}
    return AceStepSettings.model_validate({**off, **values, "task": task, "compat": "upstream"})


def request_of(name: str, tensors: dict[str, torch.Tensor], mode: dict[str, Any], rate: float) -> LatentRequest:
    task = TASKS.get(name, "text2music")
    prompt = SongPrompt(tensors["in.text"][0], tensors["in.lyric_ids"][0], tensors["in.text_null"][0])
    target = SongPrompt(tensors["in.edit_text"][0], tensors["in.edit_lyric_ids"][0])
    source = tensors["in.src_latents"][0] if task in ("repaint", "extend", "audio2audio", "edit") else None
    seconds = (mode.get("repaint_start", 0.0), mode.get("repaint_end", 0.0))
    return LatentRequest(
        prompt=target if task == "edit" else prompt,
        seed=mode["seed"],
        settings=settings_of(mode, task),
        frames=tensors["in.src_latents"].shape[-1],
        retake_seed=mode["retake_seed"],
        source=source,
        span=(int(seconds[0] * rate), int(seconds[1] * rate)) if task in ("repaint", "extend") else None,
        source_prompt=prompt if task == "edit" else None,
    )


@pytest.fixture(scope="module")
def model():
    folder = golden_path("ace_step/tiny_checkpoint")
    tensors, modes = golden_tensors(FILE)
    transformer = load_transformer(folder, TransformerConfig.from_json(modes["config"]))
    return transformer, tensors, modes, read_config(folder).frame_rate


@pytest.mark.parametrize("name", MODES)
def test_golden_sampler(model, name):
    transformer, tensors, modes, rate = model
    mode = {**modes["common"], **modes[name]}
    if TASKS.get(name) == "edit":
        mode.update(infer_steps=EDIT_STEPS, seed=2 * mode["retake_seed"] - mode["seed"])
    request = request_of(name, tensors, mode, rate)
    (made,) = sample(transformer, [request], torch.device("cpu"))
    assert_close(name, made, tensors[f"out.{name}"][0], 5e-4)


def test_golden_sampler_has_no_mode_untested():
    tensors, _ = golden_tensors(FILE)
    assert {key[4:] for key in tensors if key.startswith("out.")} == set(MODES)
