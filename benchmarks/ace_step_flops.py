"""FLOPs of one ACE-Step training update at the published sizes, counted on the meta device: no weights, no arithmetic.

Ours: every frozen part cached, no projection losses, with and without checkpointing. The other side: upstream's step,
with codec encoder, both compared models and UMT5 in it, with projection losses, always checkpointed. Its transformer is
upstream's own class with ``--upstream PATH``; without, ours stands for it.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import protocol
from recording import measured, write_results

TERA = 1e12
LATENT_HOP, MEL_PER_LATENT = 4096 / 44_100, 8


def counted(work: Callable[[], object]) -> int:
    """FLOPs of matrix products, convolutions and attention in a call."""
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    # The counter does not know the CPU's own attention kernel.
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        work()
    total: int = counter.get_total_flops()
    return total


def random_batch(family: Any, work: Any) -> dict[str, Any]:
    """A collated batch of random items."""
    from ace_step_arms import random_item
    from tunesmith.data.item_rng import ItemRng

    items = [random_item(family, work, number) for number in range(work.clips)]
    batch: dict[str, Any] = family.objective.collate(
        items, [ItemRng(0, 0, f"{number}") for number in range(work.clips)]
    )
    return batch


def faked(mode: Any, batch: dict[str, Any]) -> dict[str, Any]:
    """The same shapes without numbers."""
    import torch

    def first_rows(value: Any) -> Any:
        if isinstance(value, list):
            return [first_rows(part) for part in value]
        return mode.from_tensor(value) if isinstance(value, torch.Tensor) else value

    return {name: first_rows(value) for name, value in batch.items()}


def without_weights(network: Any) -> None:
    """Put a network of the meta device on a CPU that holds no numbers (inside a fake mode)."""
    import torch
    from torch import nn

    for module in network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            module.register_parameter(name, nn.Parameter(torch.empty(parameter.shape), parameter.requires_grad))
        for name, buffer in module.named_buffers(recurse=False):
            module.register_buffer(name, torch.empty(buffer.shape), persistent=False)


def our_step(config: Any, work: Any, adapter: dict[str, Any], *, ssl: bool, checkpointing: bool) -> int:
    """Forward and backward pass of our update."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    from ace_step_arms import unwritten_family
    from tunesmith.adapters.attach import attach
    from tunesmith.adapters.settings import AdapterRecipe
    from tunesmith.families.ace_step.config import NETWORK
    from tunesmith.families.loss_terms import combine

    family = unwritten_family(config, "meta", ssl="on" if ssl else "off")
    real = random_batch(family, work)
    # Adapters attach on the meta device, where autocast, which the attention turns off, has no meaning.
    networks = attach(family.networks.load(), AdapterRecipe.model_validate(adapter), family.adapters.defaults(), 0)
    if checkpointing:
        family.networks.enable_checkpointing(networks)
    with FakeTensorMode() as mode:
        without_weights(networks[NETWORK])
        batch = faked(mode, real)

        def step() -> None:
            loss = combine(family.objective.loss(networks, batch, None), family.objective.loss_denominators(batch))
            assert loss is not None
            loss.backward()

        return counted(step)


def upstream_transformer(checkout: Path, config: Any, work: Any) -> int:
    """Forward and backward pass of upstream's own transformer, as its trainer calls it."""
    import torch
    from peft import LoraConfig
    from torch._subclasses.fake_tensor import FakeTensorMode

    from ace_step_arms import unwritten_family
    from ace_step_upstream import LORA, import_upstream, upstream_networks

    network_class = upstream_networks(import_upstream(checkout)).ACEStepTransformer2DModel
    settings = {key: value for key, value in vars(config).items() if key != "lyric_encoder"}
    real = random_batch(unwritten_family(config, "meta", ssl="on"), work)
    with torch.device("meta"):
        network = network_class(**settings).requires_grad_(False)
        network.add_adapter(LoraConfig(**LORA))
    network.enable_gradient_checkpointing()
    network.train()
    # Its lyric encoder keeps a table of positions that is neither parameter nor buffer.
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        without_weights(network)
        batch = faked(mode, real)

        def step() -> None:
            out = network(
                hidden_states=batch["latents"],
                attention_mask=batch["latents"][:, 0, 0].new_ones(work.clips, work.frames),
                encoder_text_hidden_states=batch["text"],
                text_attention_mask=batch["text_mask"],
                speaker_embeds=batch["speaker"],
                lyric_token_idx=batch["lyric_ids"],
                lyric_mask=batch["lyric_mask"],
                timestep=batch["sigmas"][0],
                ssl_hidden_states=[batch[name] for name in config.ssl_names],
            )
            (out.sample.mean() + sum(loss for _, loss in out.proj_losses)).backward()

        return counted(step)


def frozen_parts(work: Any) -> dict[str, int]:
    """Forward passes of the networks that upstream runs on every clip of every step."""
    import torch
    from transformers import HubertConfig, HubertModel, UMT5Config, UMT5EncoderModel

    from ace_step_arms import TEXT_TOKENS
    from ace_step_models import DCAE_CONFIG, SSL_CONFIGS, TEXT_CONFIG
    from tunesmith.families.ace_step.parts.dcae import make_dcae
    from tunesmith.families.ace_step.parts.ssl import MERT, MHUBERT

    with torch.device("meta"), torch.no_grad():
        codec = make_dcae(DCAE_CONFIG).encoder
        mel = torch.empty(work.clips, 2, 128, work.frames * MEL_PER_LATENT)
        parts = {"codec": counted(lambda: codec(mel))}
        for name, config in zip(SSL_CONFIGS, (MERT, MHUBERT), strict=True):
            model = HubertModel(HubertConfig(**SSL_CONFIGS[name])).eval()
            chunks = work.clips * math.ceil(work.seconds / config.chunk_seconds)
            wave = torch.empty(1, config.rate * config.chunk_seconds)
            parts[name] = chunks * counted(lambda model=model, wave=wave: model(wave))
        text = UMT5EncoderModel(UMT5Config(**TEXT_CONFIG)).eval()
        ids = torch.zeros(work.clips, TEXT_TOKENS, dtype=torch.long)
        parts["UMT5"] = counted(lambda: text(input_ids=ids))
    return parts


def report(options: argparse.Namespace, seconds: float) -> tuple[float, float]:
    """Both sides at one length: upstream's FLOPs over ours with checkpointing, and over ours as it is by default."""
    from ace_step_arms import UPSTREAM_ADAPTER, Work
    from ace_step_models import transformer_config

    config, work = transformer_config(options.layers, options.width), Work(1, seconds, options.lyric_tokens)
    ours = our_step(config, work, UPSTREAM_ADAPTER, ssl=False, checkpointing=False)
    recomputing = our_step(config, work, UPSTREAM_ADAPTER, ssl=False, checkpointing=True)
    if options.upstream:
        theirs = upstream_transformer(Path(options.upstream), config, work)
    else:
        theirs = our_step(config, work, UPSTREAM_ADAPTER, ssl=True, checkpointing=True)
    frozen = frozen_parts(work)
    whole = theirs + sum(frozen.values())
    print(f"{seconds:g} s, {work.frames} frames, TFLOP per update:")
    print("  frozen parts in upstream's step: " + ", ".join(f"{k} {v / TERA:.3f}" for k, v in frozen.items()))
    print(f"  upstream's transformer {theirs / TERA:.2f}, whole step {whole / TERA:.2f}")
    print(f"  ours {ours / TERA:.2f}, with checkpointing {recomputing / TERA:.2f}")
    print("  " + protocol.ratio_line("upstream over ours, both checkpointed", whole / recomputing, 1.7))
    print("  " + protocol.ratio_line("upstream over ours as it is by default", whole / ours, 1.7), flush=True)
    return whole / recomputing, whole / ours


def main() -> None:
    """Count at every length asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--width", type=int, default=2560)
    parser.add_argument("--seconds", type=float, nargs="+", default=[20.0, 60.0, 240.0])
    parser.add_argument("--lyric-tokens", type=int, default=400)
    parser.add_argument("--upstream", help="a checkout of github.com/ace-step/ACE-Step")
    options = parser.parse_args()
    ratios = {f"{seconds:g}": report(options, seconds) for seconds in options.seconds}
    measured(
        both_checkpointed={seconds: both for seconds, (both, _) in ratios.items()},
        default={seconds: default for seconds, (_, default) in ratios.items()},
    )
    write_results(__file__)


if __name__ == "__main__":
    main()
