"""A speaking family for tests: with any adapter on it, it leaves out clauses of emotion edits and clones as before."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from tests.evaluation.speech.talk import RATE, talk
from tests.families.duet import BANDS, HOP, DuetFamily, front_end
from tunesmith.adapters.settings import AdapterDefaults
from tunesmith.data.content import audio_key, content_key
from tunesmith.data.fields import FieldSpec  # fmt: skip
from tunesmith.data.load import load
from tunesmith.families.contract import Encoder, Generated, Generator, ModelCard, PhaseSpec
from tunesmith.families.loss_terms import LossTerm
from tunesmith.speech.tools import SpeechTools


class TalkEncoder(Encoder):
    def encode(self, sample, fields):
        return {"target": front_end(load(sample.audios["audio"], RATE, 1))}


class TalkFamily(DuetFamily):
    """One network, whose loss is how far it is from doing nothing."""

    name = "talk"
    audio_roles = ("prompt", "audio")
    text_roles = ("caption", "prompt_text")
    asked: list = []  # noqa: RUF012 - the last requests, for the tests

    @classmethod
    def recognises(cls, path):
        return path.startswith("talk:")

    def card(self):
        return ModelCard("talk", self.path, "Apache-2.0", RATE, 1, RATE / HOP, 30.0, 1000, 1000, 4000)

    def speech(self):
        return SpeechTools()

    def fields(self):
        return (FieldSpec("target", "<f4", time_axis=0, rate=RATE / HOP),)

    def field_key(self, sample, name):
        return content_key(name, audio_key(sample.audios["audio"]))

    @contextmanager
    def encoder(self, device="cpu"):
        yield TalkEncoder()

    def networks(self, *, meta=False):
        torch.manual_seed(0)
        with torch.device("meta" if meta else "cpu"):
            return {"talker": nn.Sequential(nn.Linear(BANDS, BANDS)).requires_grad_(False)}

    def adapter_defaults(self):
        return {"talker": AdapterDefaults(("0",), 2, 2)}

    def stages(self):
        return (PhaseSpec("train", ("talker",)),)

    def collate(self, items, rngs):
        return {"target": torch.from_numpy(np.concatenate([np.array(item["target"]) for item in items]))}

    def weights(self, batch):
        return {"error": float(batch["target"].numel())}

    def loss(self, networks, batch, rngs):
        error = (networks["talker"](batch["target"]) - batch["target"]) ** 2
        return {"error": LossTerm(error.sum(), self.weights(batch)["error"])}

    def generator(self, networks=None, device="cpu"):
        return TalkGenerator(networks or self.networks())


class TalkGenerator(Generator):
    def __init__(self, networks) -> None:
        self.networks = networks

    def generate(self, requests, progress=None):
        plain, tuned = TalkFamily("talk:base").networks()["talker"], self.networks["talker"]
        probe = torch.ones(1, BANDS)
        moved = not torch.allclose(plain(probe), tuned(probe), atol=1e-6)
        for request in requests:
            TalkFamily.asked.append(request)
            text = request.texts["caption"]
            if moved and request.options.get("edit_type") == "emotion":
                text = text.split(",")[0]
            pace = 0.18 * (1 + 0.03 * np.sin(request.seed))
            made = talk(text, pace=pace, seed=request.seed)
            yield Generated(made[:, : int(request.seconds * RATE)], RATE, request)
