"""The training loss of the reference model, its parts and its noise levels."""

from __future__ import annotations

import numpy as np
import torch

from tests.golden_files import assert_close, golden_tensors, part
from tunesmith.families.ace_step.config import TransformerConfig
from tunesmith.families.ace_step.objective import ace_step_loss, sigma_table
from tunesmith.families.ace_step.parts.transformer import AceStepTransformer

DEAD = (".add_q_proj.", ".add_k_proj.", ".add_v_proj.", ".to_add_out.")


def test_golden_loss():
    tensors, settings = golden_tensors("ace_step/transformer_block3")
    given = part(tensors, "in")
    network = AceStepTransformer(TransformerConfig.from_json(settings["config"]), projectors=True).eval()
    state = {name: value for name, value in part(tensors, "sd").items() if not any(dead in name for dead in DEAD)}
    network.load_state_dict(state)
    items, frames = given["x0"].shape[0], given["x0"].shape[-1]
    names = network.config.ssl_names
    targets = {names[0]: "mert", names[1]: "mhubert"}
    weight = float(items * frames)
    batch = {
        "latents": given["x0"],
        "noise": given["noise"],
        "sigmas": given["sigma"].reshape(1, -1),
        "denoise_terms": ["denoise"],
        "frames": [frames] * items,
        "frame_mask": None,
        "text": given["text"],
        "text_mask": given["text_mask"],
        "speaker": given["speaker"],
        "lyric_ids": given["lyric_ids"],
        "lyric_mask": given["lyric_mask"],
        "denominators": {"denoise": weight, **dict.fromkeys(names, weight)},
        "ssl_weight": 1.0,
        **{name: [given[f"{key}.{i}"] for i in range(items)] for name, key in targets.items()},
    }
    # The file's tags are padded, and upstream's padding moves the lyrics' positions.
    encode = network.encode
    network.encode = lambda *args, **kwargs: encode(*args, packed=False, **kwargs)
    with torch.no_grad():
        terms = ace_step_loss(network, batch, names)
    means = {name: term.sum / term.denominator for name, term in terms.items()}
    assert_close("denoise", means["denoise"].reshape(1), tensors["out.denoise_loss"].reshape(1), 1e-5)
    for name in names:
        assert_close(name, means[name].reshape(1), tensors[f"out.proj_loss.{name}"].reshape(1), 1e-5)
        assert terms[name].reduction_group == "ssl"
    ssl = (means[names[0]] + means[names[1]]) / 2
    assert_close("ssl", ssl.reshape(1), tensors["out.ssl_loss"].reshape(1), 1e-5)
    assert_close("loss", (means["denoise"] + ssl).reshape(1), tensors["out.loss"].reshape(1), 1e-5)


def test_golden_noise_levels():
    tensors, _ = golden_tensors("ace_step/schedulers")
    assert np.allclose(sigma_table(3.0), tensors["train.sigmas"].numpy(), atol=1e-6)
    drawn = tensors["train.draw_index_seed7"].numpy()
    generator = torch.Generator().manual_seed(7)
    place = torch.sigmoid(torch.normal(0.0, 1.0, (len(drawn),), generator=generator)).numpy()
    if np.array_equal(np.minimum(999, (1000 * place).astype(int)), drawn):  # the draw itself is torch's business
        levels = 1000 * sigma_table(3.0)[drawn]
        assert np.allclose(levels, tensors["train.draw_timestep_seed7"].numpy(), atol=1e-2)
