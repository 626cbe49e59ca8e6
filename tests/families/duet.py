"""A family for tests, as unlike MusicGen as the contract allows: two audios, networks, stages and losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from tunesmith.adapters.settings import AdapterDefaults
from tunesmith.data.content import audio_key, content_key
from tunesmith.data.fields import FieldSpec  # fmt: skip
from tunesmith.data.load import load
from tunesmith.families.contract import Encoder, Family, Generated, Generator, ModelCard, PhaseSpec
from tunesmith.families.loss_terms import LossTerm

RATE, HOP, BANDS, TOKENS = 8000, 400, 8, 16


class Reader(nn.Module):
    """Predicts the target's tokens from the prompt's mean: a stand-in for a speech language model."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(BANDS, 32)
        self.head = nn.Linear(32, TOKENS)

    def forward(self, x):
        return self.head(torch.tanh(self.inner(x)))


class Painter(nn.Module):
    """Predicts a velocity from noisy frames and the prompt: a stand-in for a flow decoder."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(2 * BANDS + 1, 32)
        self.head = nn.Linear(32, BANDS)

    def forward(self, x):
        return self.head(torch.tanh(self.inner(x)))


def front_end(audio_CN: np.ndarray) -> np.ndarray:
    """Log band energies (T, BANDS): the one front end of encoding and generation."""
    frames = audio_CN[0][: audio_CN.shape[1] // HOP * HOP].reshape(-1, HOP)
    power = np.abs(np.fft.rfft(frames, axis=1)[:, 1:]) ** 2
    bands = power[:, : power.shape[1] // BANDS * BANDS].reshape(len(frames), BANDS, -1).mean(-1)
    return np.log(bands + 1e-4).astype(np.float32)


class DuetEncoder(Encoder):
    def encode(self, sample, fields):
        audio = {role: load(ref, RATE, 1) for role, ref in sample.audios.items()}
        made = {"prompt": front_end(audio["prompt"]).mean(0), "target": front_end(audio["target"])}
        made["tokens"] = (made["target"].argmax(1) * 2).astype(np.int32)
        return {name: made[name] for name in fields}


class DuetFamily(Family):
    """Two audios in, two networks trained one after the other, then together."""

    name = "duet"
    audio_roles = ("prompt", "target")
    text_roles = ("prompt_text", "target_text")

    @classmethod
    def recognises(cls, path):
        return path.startswith("duet:")

    @classmethod
    def is_speech(cls):
        return False  # nothing is said in its clips, which may be cut

    def card(self):
        return ModelCard("duet", self.path, "Apache-2.0", RATE, 1, RATE / HOP, 30.0, 1000, 1000, 4000)

    def fields(self):
        rate = RATE / HOP
        return (
            FieldSpec("target", "<f4", time_axis=0, rate=rate), FieldSpec("tokens", "<i4", time_axis=0, rate=rate),
            FieldSpec("prompt", "<f4"),
        )  # fmt: skip

    def field_key(self, sample, name):
        role = "prompt" if name == "prompt" else "target"
        return content_key(name, audio_key(sample.audios[role]))

    @contextmanager
    def encoder(self, device="cpu"):
        yield DuetEncoder()

    def networks(self, *, meta=False):
        torch.manual_seed(0)
        with torch.device("meta" if meta else "cpu"):
            networks = {"reader": Reader(), "painter": Painter()}
        return {name: network.requires_grad_(False) for name, network in networks.items()}

    def adapter_defaults(self):
        return {name: AdapterDefaults(("inner", "head"), 4, 4) for name in ("reader", "painter")}

    def stages(self):
        return (
            PhaseSpec("reader", ("reader",), 1), PhaseSpec("painter", ("painter",), 1),
            PhaseSpec("joint", ("reader", "painter"), 1, lr_factor=0.1),
        )  # fmt: skip

    def collate(self, items, rngs):
        frames = [len(item["target"]) for item in items]
        longest = max(frames)
        batch = {
            "prompt": torch.stack([torch.from_numpy(np.array(item["prompt"])) for item in items]),
            "target": torch.zeros(len(items), longest, BANDS),
            "tokens": torch.zeros(len(items), longest, dtype=torch.long),
            "noise": torch.zeros(len(items), longest, BANDS),
            "t": torch.full((len(items), 1, 1), 0.5),
            "frames": torch.tensor(frames),
        }
        for row, item in enumerate(items):
            batch["target"][row, : frames[row]] = torch.from_numpy(np.array(item["target"]))
            batch["tokens"][row, : frames[row]] = torch.from_numpy(np.array(item["tokens"])).long()
            rng = rngs[row].generator("noise") if rngs else np.random.default_rng(0)
            batch["noise"][row, : frames[row]] = torch.from_numpy(
                rng.standard_normal((frames[row], BANDS)).astype(np.float32)
            )
            if rngs:
                batch["t"][row] = float(rngs[row].generator("timestep").random())
        return batch

    def weights(self, batch):
        total = float(batch["frames"].sum())
        return {"cross_entropy": total, "flow": total * BANDS}

    def loss(self, networks: Mapping[str, nn.Module], batch, rngs: Sequence | None):
        mask = torch.arange(batch["target"].shape[1])[None] < batch["frames"][:, None]
        weights, terms = self.weights(batch), {}
        if "reader" in networks:
            logits = networks["reader"](batch["prompt"])[:, None].expand(-1, mask.shape[1], -1)
            entropy = F.cross_entropy(logits[mask], batch["tokens"][mask], reduction="sum")
            terms["cross_entropy"] = LossTerm(entropy, weights["cross_entropy"], group="reader", scale=0.4)
        if "painter" in networks:
            noisy = (1 - batch["t"]) * batch["noise"] + batch["t"] * batch["target"]
            prompt = batch["prompt"][:, None].expand_as(noisy)
            time = batch["t"].expand(*noisy.shape[:2], 1)
            velocity = networks["painter"](torch.cat([noisy, prompt, time], -1))
            flow = ((velocity - (batch["target"] - batch["noise"]))[mask] ** 2).sum()
            terms["flow"] = LossTerm(flow, weights["flow"], group="painter", scale=0.6)
        return terms

    def generator(self, networks=None, device="cpu"):
        return DuetGenerator(networks or self.networks())

    def export_merged(self, networks, folder):
        folder.mkdir(parents=True)


class DuetGenerator(Generator):
    def __init__(self, networks) -> None:
        self.networks = networks

    def generate(self, requests, progress=None):
        for request in requests:
            prompt = torch.from_numpy(front_end(request.source["prompt"]).mean(0))
            token = int(self.networks["reader"](prompt).argmax())
            t = np.arange(int(request.seconds * RATE)) / RATE
            audio = 0.3 * np.sin(2 * np.pi * (100 + 50 * token) * t)[None].astype(np.float32)
            yield Generated(audio, RATE, request)
