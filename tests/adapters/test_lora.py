"""What others load: plain PEFT in a process that never imports Tunesmith, and a merged model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.test_trainer import BASE
from tunesmith.adapters.scale import set_scale
from tunesmith.errors import TunesmithError
from tunesmith.run.adapted import load_adapted
from tunesmith.stages.export import export
from tunesmith.training.trainer import train

PLAIN_PEFT = """
import sys, numpy as np, torch
torch.set_num_threads(1)
from peft import PeftModel
from transformers import MusicgenForConditionalGeneration
base, adapter, inputs, out = sys.argv[1:]
model = MusicgenForConditionalGeneration.from_pretrained(base).eval()
if adapter != "-":
    model = PeftModel.from_pretrained(model, adapter).eval()
data = {k: torch.from_numpy(v) for k, v in np.load(inputs).items()}
with torch.no_grad():
    mask = torch.ones_like(data["ids"])
    logits = model(input_ids=data["ids"], attention_mask=mask, decoder_input_ids=data["codes"]).logits
assert not any(name.startswith("tunesmith") for name in sys.modules)
np.save(out, logits.numpy())
"""


def outside_logits(base: Path, adapter: str, family, tmp_path: Path) -> np.ndarray:
    """Logits from a fresh process that knows only transformers and PEFT."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, family.checkpoint.config.vocab_size, (family.checkpoint.config.num_codebooks, 12))
    np.savez(
        tmp_path / "inputs.npz", ids=np.array(family.checks.tokenizer("trap 808 beat")["input_ids"])[None], codes=codes
    )
    arguments = [str(base), adapter, str(tmp_path / "inputs.npz"), str(tmp_path / "out.npy")]
    done = subprocess.run([sys.executable, "-c", PLAIN_PEFT, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return np.load(tmp_path / "out.npy")


def inside_logits(family, networks) -> np.ndarray:
    rng = np.random.default_rng(0)
    codes = torch.from_numpy(
        rng.integers(0, family.checkpoint.config.vocab_size, (family.checkpoint.config.num_codebooks, 12))
    )
    generator = family.generation.generator(networks)
    conditions = generator._conditions(["trap 808 beat"])
    network = networks["decoder"]
    with torch.no_grad():
        states = network.project(conditions.text, conditions.mask)
        hidden = network.decoder.model(
            input_ids=codes,
            encoder_hidden_states=states,
            encoder_attention_mask=conditions.mask.long(),
            use_cache=False,
        ).last_hidden_state
        return torch.cat([head(hidden) for head in network.decoder.lm_heads]).numpy()


@pytest.fixture(
    scope="module",
    params=[{}, {"rslora": True, "rank": 32}, {"kind": "dora", "rank": 4}],
    ids=["lora", "rslora", "dora"],
)
def trained(request, tiny, tmp_path_factory, clips):
    from tests.training_runs import make_context

    context = make_context(
        tiny, clips, tmp_path_factory.mktemp("run"), train={**BASE, "learning_rate": 1e-2}, adapter=request.param
    )
    train(context)
    return context


def test_plain_peft_gives_identical_logits(trained, tiny, tmp_path):
    family = trained.family
    ours = inside_logits(family, load_adapted(family, trained.folder.best))
    theirs = outside_logits(tiny, str(trained.folder.best), family, tmp_path)
    base = outside_logits(tiny, "-", family, tmp_path)
    assert np.allclose(ours, theirs, atol=1e-5)
    assert np.abs(ours - base).max() > 0.05


def test_the_config_names_nothing_that_older_peft_does_not_know(trained):
    config = json.loads((trained.folder.best / "adapter_config.json").read_text())
    newer = {key for key in config if key in {"use_rslora", "use_dora"}}
    adapter = trained.recipe.adapter
    assert newer == ({"use_rslora"} if adapter.rslora else set()) | ({"use_dora"} if adapter.kind == "dora" else set())
    assert len(config) == 12 + len(newer)
    assert (trained.folder.best / "README.md").read_text().startswith("---\nlibrary_name: peft")


def test_scale_zero_is_the_base_and_one_is_the_adapter(trained, tiny, tmp_path):
    family = trained.family
    networks = load_adapted(family, trained.folder.best)
    full = inside_logits(family, networks)
    set_scale(networks, 0.0)
    assert np.allclose(inside_logits(family, networks), outside_logits(tiny, "-", family, tmp_path), atol=1e-5)
    set_scale(networks, 1.0)
    assert np.allclose(inside_logits(family, networks), full, atol=1e-6)


def test_a_merged_model_loads_without_peft_and_generates(trained, tmp_path):
    family = trained.family
    ours = inside_logits(family, load_adapted(family, trained.folder.best))
    target = export(trained, merged=True, out=tmp_path / "merged")
    assert np.allclose(outside_logits(target, "-", family, tmp_path), ours, atol=1e-4)
    from transformers import MusicgenForConditionalGeneration

    model = MusicgenForConditionalGeneration.from_pretrained(target)
    assert model.config.decoder.decoder_start_token_id == family.checkpoint.config.pad
    made = model.generate(
        input_ids=torch.tensor([[4, 5, 1]]), attention_mask=torch.ones(1, 3, dtype=torch.long), max_new_tokens=8
    )
    assert made.shape[-1] == 5 * family.checkpoint.config.hop


def test_an_adapter_of_another_base_is_refused(trained, tiny_stereo):
    from tunesmith.families.musicgen.family import MUSICGEN

    other = MUSICGEN.open(str(tiny_stereo.parent / "wide"))
    from tests.tiny import tiny_musicgen

    tiny_musicgen(tiny_stereo.parent / "wide", hidden=96)
    with pytest.raises(TunesmithError, match="does not fit"):
        load_adapted(other, trained.folder.best)


def test_adapter_file_is_small(trained):
    parameters = sum(
        np.prod(t.shape)
        for t in __import__("safetensors.numpy", fromlist=["x"])
        .load_file(trained.folder.best / "adapter_model.safetensors")
        .values()
    )
    assert (trained.folder.best / "adapter_model.safetensors").stat().st_size <= 1.1 * 4 * parameters + 4096
