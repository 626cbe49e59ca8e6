"""A family for tests, as unlike MusicGen as the contract allows: two audios, networks, phases and losses."""

from contextlib import contextmanager

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from tunesmith.data.content import audio_key, content_key
from tunesmith.data.load import load
from tunesmith.families import contract as role

RATE, HOP, BANDS, TOKENS = 8000, 400, 8, 16


class Layers(nn.Sequential):
    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.inner, self.tanh, self.head = nn.Linear(width, 32), nn.Tanh(), nn.Linear(32, out)


def front_end(audio_CN: np.ndarray) -> np.ndarray:
    """Log band energies (T, BANDS): the one front end of encoding and generation."""
    frames = audio_CN[0][: audio_CN.shape[1] // HOP * HOP].reshape(-1, HOP)
    power = np.abs(np.fft.rfft(frames, axis=1)[:, 1:]) ** 2
    return np.log(power.reshape(len(frames), BANDS, -1).mean(-1) + 1e-4).astype(np.float32)


class DuetEncoder(role.Encoder):
    def encode(self, sample, fields):
        made = {name: front_end(load(ref, RATE, 1)) for name, ref in sample.audios.items()}
        made["prompt"] = made["prompt"].mean(0)
        made["tokens"] = (made["target"].argmax(1) * 2).astype(np.int32)
        return {name: made[name] for name in fields}


class DuetEncoding(role.Encoding):
    def fields(self):
        timed = [role.FieldSpec(name, kind, 0, RATE / HOP) for name, kind in (("target", "<f4"), ("tokens", "<i4"))]
        return (*timed, role.FieldSpec("prompt", "<f4"))

    def field_key(self, sample, name):
        return content_key(name, audio_key(sample.audios["prompt" if name == "prompt" else "target"]))

    @contextmanager
    def encoder(self, device="cpu"):
        yield DuetEncoder()


class DuetNetworks(role.Networks):
    names = ("reader", "painter")

    def load(self, names=None, *, meta=False):
        torch.manual_seed(0)
        with torch.device("meta" if meta else "cpu"):
            made = {"reader": Layers(BANDS, TOKENS), "painter": Layers(2 * BANDS + 1, BANDS)}
        return {name: network.requires_grad_(False) for name, network in made.items() if name in (names or made)}

    def phases(self):
        alone = [role.PhaseSpec(name, (name,), 1) for name in self.names]
        return (*alone, role.PhaseSpec("joint", self.names, 1, lr_factor=0.1))


class DuetObjective(role.Objective):
    def collate(self, items, rngs):
        frames = torch.tensor([len(item["target"]) for item in items])
        batch = {"frames": frames, "prompt": torch.from_numpy(np.stack([item["prompt"] for item in items]))}
        batch["target"], batch["noise"] = torch.zeros(2, len(items), int(frames.max()), BANDS)
        batch["tokens"] = torch.zeros(batch["target"].shape[:2], dtype=torch.long)
        batch["t"] = torch.full((len(items), 1, 1), 0.5)
        for row, (item, length) in enumerate(zip(items, frames.tolist(), strict=True)):
            rng = rngs[row].generator("noise") if rngs else np.random.default_rng(0)
            batch["target"][row, :length] = torch.from_numpy(np.array(item["target"]))
            batch["tokens"][row, :length] = torch.from_numpy(np.array(item["tokens"])).long()
            batch["noise"][row, :length] = torch.from_numpy(rng.standard_normal((length, BANDS)).astype(np.float32))
            if rngs:
                batch["t"][row] = float(rngs[row].generator("timestep").random())
        return batch

    def loss_denominators(self, batch):
        return {"cross_entropy": float(batch["frames"].sum()), "flow": float(batch["frames"].sum()) * BANDS}

    def loss(self, networks, batch, rngs):
        mask = torch.arange(batch["target"].shape[1])[None] < batch["frames"][:, None]
        weights, terms = self.loss_denominators(batch), {}
        if "reader" in networks:
            logits = networks["reader"](batch["prompt"])[:, None].expand(-1, mask.shape[1], -1)[mask]
            entropy = F.cross_entropy(logits, batch["tokens"][mask], reduction="sum")
            terms["cross_entropy"] = role.LossTerm(entropy, weights["cross_entropy"], "reader", 0.4)
        if "painter" in networks:
            noisy = (1 - batch["t"]) * batch["noise"] + batch["t"] * batch["target"]
            given = batch["prompt"][:, None].expand_as(noisy), batch["t"].expand(*noisy.shape[:2], 1)
            error = networks["painter"](torch.cat([noisy, *given], -1)) - (batch["target"] - batch["noise"])
            terms["flow"] = role.LossTerm((error[mask] ** 2).sum(), weights["flow"], "painter", 0.6)
        return terms


class DuetGeneration(role.Generation, role.Generator):
    def generator(self, networks=None, device="cpu"):
        self.networks = networks or DuetNetworks().load()
        return self

    def generate(self, requests, progress=None):
        for request in requests:
            token = int(self.networks["reader"](torch.from_numpy(front_end(request.source["prompt"]).mean(0))).argmax())
            turns = np.arange(int(request.seconds * RATE)) / RATE * (100 + 50 * token)
            yield role.Generated(0.3 * np.sin(2 * np.pi * turns)[None].astype(np.float32), RATE, request)


def build(kind, path, settings, revision):
    checkpoint, targets = role.Checkpoint(path, settings, revision), role.AdapterDefaults(("inner", "head"), 4, 4)
    facts = role.ModelCard(kind.name, path, "Apache-2.0", RATE, 1, RATE / HOP, 30.0, 1000, 1000, 4000)
    parts = role.Card(checkpoint, facts), DuetNetworks(), DuetEncoding(), DuetObjective(), DuetGeneration()
    return role.Family(kind, checkpoint, *parts, role.Adapters(dict.fromkeys(DuetNetworks.names, targets)))


DUET = role.FamilyType("duet", lambda path: path.startswith("duet:"), build, audio_roles=("prompt", "target"))
