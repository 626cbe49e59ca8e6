"""The LLM's frozen base in int8 and NF4 beside the full one, on a trained model and at the published width.

The trained model is the pocket's: cross-entropy of its example voice's clones, each clip with the one before it as
prompt. At the published width two layers of random weights say how far the logits move and what a LoRA step costs, in
fp32 on one thread; random weights are a hard case, since nearly all of their stream is what two layers made of it.
Needs `pip install "tunesmith[quantised]"`.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import protocol
from recording import measured, write_results

KINDS = ("full", "int8", "nf4")
POCKET, VOCABULARY = "pocket/step_audio", 8192


def clones() -> list[dict[str, Any]]:
    """Encoded clones of the pocket model's example voice."""
    from tunesmith.data.sample import AudioRef, Sample
    from tunesmith.families.step_audio.family import STEP_AUDIO
    from tunesmith.files import read_json
    from tunesmith.pocket.shipped import pocket_path

    voice = pocket_path("step_audio") / "examples" / "voice"
    rows = read_json(voice / "metadata.json")
    family, items = STEP_AUDIO.open(POCKET), []
    with family.encoding.encoder() as encoder:
        for before, row in pairwise(rows):
            audios = {role: AudioRef(str(voice / line["audio"])) for role, line in (("prompt", before), ("audio", row))}
            texts = {"caption": row["text"], "prompt_text": before["text"]}
            names = [spec.name for spec in family.encoding.fields()]
            items.append(encoder.encode(Sample(row["audio"], audios, texts), names))
    return items


def trained(items: list[dict[str, Any]]) -> None:
    """Cross-entropy of the pocket model in nats per id."""
    import torch

    from tunesmith.families.step_audio.family import STEP_AUDIO

    nats = {}
    for kind in KINDS:
        settings = STEP_AUDIO.settings.model_validate({"base_weights": kind, "train": "llm"})
        family = STEP_AUDIO.open(POCKET, settings)
        batch = family.objective.collate(items, None)
        with torch.no_grad():
            term = family.objective.loss({"llm": family.networks.load()["llm"].float()}, batch, None)["llm"]
        nats[kind] = float(term.sum) / term.weight
        print(f"{kind}: {nats[kind]:.4f} nats per id over {len(items)} clones of the pocket model")
    measured(nats=nats)


def wide(ids: int, rounds: int, folder: Path) -> None:
    """Errors and processor seconds at the published width."""
    import torch

    from tunesmith.families.step_audio.config import Step1Config
    from tunesmith.families.step_audio.parts.step1 import Step1ForCausalLM
    from tunesmith.families.step_audio.parts.step1_weights import load_step1, save_step1
    from tunesmith.families.step_audio.published import published_card
    from tunesmith.families.step_audio.settings import StepAudioSettings
    from tunesmith.families.step_audio.source import REPOSITORY

    torch.manual_seed(0)
    config = replace(Step1Config(), num_hidden_layers=2, vocab_size=VOCABULARY)
    save_step1(Step1ForCausalLM(config).state_dict(), config, folder)
    tokens = torch.randint(VOCABULARY, (1, ids))
    llms = {kind: load_step1(folder, dtype=torch.float32, base_weights=kind) for kind in KINDS}  # type: ignore[arg-type]
    with torch.no_grad():
        logits = {kind: llm(tokens) for kind, llm in llms.items()}
    steps = {kind: partial(step, with_lora(llm), tokens) for kind, llm in llms.items()}
    with protocol.probed():
        fastest = protocol.best(protocol.interleave(steps, rounds))
    errors = {kind: float((logits[kind] - logits["full"]).norm() / logits["full"].norm()) for kind in KINDS}
    measured(error=errors, step_over_full={kind: fastest[kind] / fastest["full"] for kind in KINDS})
    for kind, error in errors.items():
        card = published_card(REPOSITORY, StepAudioSettings.model_validate({"base_weights": kind}), ())
        print(f"{kind}: logits off by {error:.2%}, step {fastest[kind] / fastest['full']:.2f} of full", end="")
        print(f", {card.packed_bytes / 1e9:.2f} GB packed at the published size" if card and card.packed_bytes else "")


def with_lora(llm: Any) -> Any:
    """A LoRA of rank 8 on q, k and v."""
    from peft import LoraConfig, get_peft_model

    return get_peft_model(llm, LoraConfig(r=8, target_modules=["q_proj", "k_proj", "v_proj"]))


def step(network: Any, tokens: Any) -> None:
    """Forward and backward."""
    from torch.nn import functional as F

    F.cross_entropy(network.get_base_model()(tokens)[0, :-1], tokens[0, 1:]).backward()


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ids", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    trained(clones())
    with tempfile.TemporaryDirectory() as name:
        wide(options.ids, options.rounds, Path(name))
    write_results(__file__)


if __name__ == "__main__":
    main()
