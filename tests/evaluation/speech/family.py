"""A speaking family for tests: with any adapter on it, it leaves out clauses of emotion edits and clones as before."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from tests.evaluation.speech.talk import RATE, talk
from tests.families.duet import BANDS, HOP, front_end
from tunesmith.adapters.settings import AdapterDefaults
from tunesmith.data.content import audio_key, content_key
from tunesmith.data.fields import FieldSpec  # fmt: skip
from tunesmith.data.load import load
from tunesmith.families.contract import (
    Adapters,
    Card,
    Checkpoint,
    Checks,
    Encoder,
    Encoding,
    Family,
    FamilySettings,
    FamilyType,
    Generated,
    Generation,
    Generator,
    ModelCard,
    Networks,
    Objective,
)  # fmt: skip
from tunesmith.families.loss_terms import LossTerm
from tunesmith.speech.tools import SpeechTools


class TalkEncoder(Encoder):
    def encode(self, sample, fields):
        return {"target": front_end(load(sample.audios["audio"], RATE, 1))}


asked: list = []
"""The last requests, for the tests."""


class TalkEncoding(Encoding):
    def fields(self):
        return (FieldSpec("target", "<f4", time_axis=0, rate=RATE / HOP),)

    def field_key(self, sample, name):
        return content_key(name, audio_key(sample.audios["audio"]))

    @contextmanager
    def encoder(self, device="cpu"):
        yield TalkEncoder()


class TalkNetworks(Networks):
    names = ("talker",)

    def load(self, names=None, *, meta=False):
        torch.manual_seed(0)
        with torch.device("meta" if meta else "cpu"):
            return {"talker": nn.Sequential(nn.Linear(BANDS, BANDS)).requires_grad_(False)}


class TalkObjective(Objective):
    """How far the network is from doing nothing."""

    def collate(self, items, rngs):
        return {"target": torch.from_numpy(np.concatenate([np.array(item["target"]) for item in items]))}

    def loss_denominators(self, batch):
        return {"error": float(batch["target"].numel())}

    def loss(self, networks, batch, rngs):
        error = (networks["talker"](batch["target"]) - batch["target"]) ** 2
        return {"error": LossTerm(error.sum(), self.loss_denominators(batch)["error"])}


class TalkChecks(Checks):
    def speech_tools(self):
        return SpeechTools()


class TalkGenerator(Generator):
    def __init__(self, networks) -> None:
        self.networks = networks

    def generate(self, requests, progress=None):
        plain, tuned = TalkNetworks().load()["talker"], self.networks["talker"]
        probe = torch.ones(1, BANDS)
        moved = not torch.allclose(plain(probe), tuned(probe), atol=1e-6)
        for request in requests:
            asked.append(request)
            text = request.texts["caption"]
            if moved and request.options.get("edit_type") == "emotion":
                text = text.split(",")[0]
            pace = 0.18 * (1 + 0.03 * np.sin(request.seed))
            made = talk(text, pace=pace, seed=request.seed)
            yield Generated(made[:, : int(request.seconds * RATE)], RATE, request)


class TalkGeneration(Generation):
    def generator(self, networks=None, device="cpu"):
        return TalkGenerator(networks or TalkNetworks().load())


def build(kind: FamilyType, path: str, settings: FamilySettings, revision: str | None) -> Family:
    """One network that talks."""
    checkpoint = Checkpoint(path, settings, revision)
    facts = ModelCard("talk", path, "Apache-2.0", RATE, 1, RATE / HOP, 30.0, 1000, 1000, 4000)
    return Family(
        type=kind,
        checkpoint=checkpoint,
        card=Card(checkpoint, facts),
        networks=TalkNetworks(),
        encoding=TalkEncoding(),
        objective=TalkObjective(),
        generation=TalkGeneration(),
        adapters=Adapters({"talker": AdapterDefaults(("0",), 2, 2)}),
        checks=TalkChecks(),
    )


TALK = FamilyType(
    "talk",
    lambda path: path.startswith("talk:"),
    build,
    audio_roles=("prompt", "audio"),
    text_roles=("caption", "prompt_text"),
)
