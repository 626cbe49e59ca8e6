"""The other arm: a step of ACE-Step's own trainer, run from a checkout whose path the user gives. None of it is here.

It needs a checkout of github.com/ace-step/ACE-Step (these figures: commit d612523) and, beside Tunesmith's packages,
``pytorch-lightning``, ``loguru`` and ``torchaudio``. A torchaudio built for CUDA does without its shared libraries
(delete ``torchaudio/lib/*.so``): the two transforms that a step uses are Python.

What is shimmed, because a step on random weights does not need it: modules that are imported and not called, the
downloads in two constructors, and logging and plotting. The step itself is upstream's, line for line.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import torch

from ace_step_models import TAGS
from protocol import cpu_seconds
from tunesmith.families.ace_step.config import DCAE, TEXT, TRANSFORMER

UNCALLED = (
    "cutlet",
    "hangul_romanize",
    "hangul_romanize.rule",
    "librosa",
    "num2words",
    "opencc",
    "py3langid",
    "py3langid.langid",
    "pypinyin",
    "spacy",
    *(f"spacy.lang.{language}" for language in ("ar", "en", "es", "ja", "zh")),
)
"""Imported by the lyric tokenizer and the vocoder; no training step calls them."""
LORA: dict[str, Any] = {
    "r": 256,
    "lora_alpha": 32,
    "use_rslora": True,
    "target_modules": ["speaker_embedder", "linear_q", "linear_k", "linear_v", "to_q", "to_k", "to_v", "to_out.0"],
}
"""Values of the adapter config that upstream ships."""


def import_upstream(checkout: Path) -> Any:
    """Upstream's ``trainer`` module.

    Raises:
        SystemExit: when the folder is not a checkout.
    """
    if not (checkout / "trainer.py").is_file():
        raise SystemExit(f"{checkout} holds no trainer.py: give a checkout of github.com/ace-step/ACE-Step.")
    # These ask whether torchvision is installed, so they come before the stand-in.
    for name in ("transformers", "diffusers", "datasets", "pytorch_lightning"):
        importlib.import_module(name)
    for name in UNCALLED:
        if not _importable(name):
            sys.modules[name] = MagicMock()
    if not _importable("torchvision"):
        sys.modules |= _torchvision()
    sys.path.insert(0, str(checkout))
    return importlib.import_module("trainer")


def _importable(name: str) -> bool:
    try:
        importlib.import_module(name)
    except Exception:  # a broken installation fails in its own way, and it is not called anyhow
        return False
    return True


def _torchvision() -> dict[str, ModuleType]:
    def normalize(mean: float, std: float) -> Any:
        return lambda x: (x - mean) / std

    def compose(steps: list[Any]) -> Any:
        (step,) = steps
        return step

    whole, transforms = ModuleType("torchvision"), ModuleType("torchvision.transforms")
    vars(transforms).update(Normalize=normalize, Compose=compose)
    vars(whole).update(transforms=transforms)
    return {"torchvision": whole, "torchvision.transforms": transforms}


class UpstreamStep:
    """One optimizer update as upstream's trainer takes it: every frozen network in the step, checkpointing, AdamW.

    Args:
        checkout: The folder with ``trainer.py``.
        checkpoint: A checkpoint folder.
        ssl: Folders of MERT and mHuBERT.
        batch: What its loader would give; see :func:`upstream_batch`.
    """

    def __init__(self, checkout: Path, checkpoint: Path, ssl: tuple[str, str], batch: dict[str, Any]) -> None:
        trainer = import_upstream(checkout)
        self.batch = batch
        self.pipeline = _pipeline(trainer, checkpoint, ssl)
        (self.optimizer,), (schedule,) = self.pipeline.configure_optimizers()
        self.schedule = schedule["scheduler"]
        self.parameters = [p for p in self.pipeline.transformers.parameters() if p.requires_grad]

    def spent(self) -> dict[str, float]:
        """Processor seconds of one more update by part; ``transformer`` is all that is none of the frozen networks."""
        frozen = {
            "codec": self.pipeline.dcae,
            "MERT": self.pipeline.mert_model,
            "mHuBERT": self.pipeline.hubert_model,
            "UMT5": self.pipeline.text_encoder_model,
        }
        seconds: dict[str, float] = {}
        with contextlib.ExitStack() as stack:
            for name, part in frozen.items():
                method = "encode" if name == "codec" else "forward"
                stack.enter_context(_replaced(part, method, _clocked(getattr(part, method), seconds, name)))
            whole = cpu_seconds(self.update)
        return {**seconds, "transformer": whole - sum(seconds.values())}

    def update(self) -> float:
        """One update; returns the loss."""
        loss = self.pipeline.training_step(self.batch, 0)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 0.5)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.schedule.step()
        return float(loss.detach())


def upstream_batch(audio: np.ndarray, lyric_tokens: int) -> dict[str, Any]:
    """What upstream's loader gives for one clip (2, N) at 48 kHz."""
    ids = np.random.default_rng(0).integers(3, 6693, (1, lyric_tokens))
    return {
        "keys": ["0"],
        "prompts": [TAGS],
        "target_wavs": torch.from_numpy(audio)[None],
        "wav_lengths": torch.tensor([audio.shape[1]]),
        "speaker_embs": torch.zeros(1, 512),
        "lyric_token_ids": torch.from_numpy(ids),
        "lyric_masks": torch.ones(1, lyric_tokens, dtype=torch.long),
    }


def _pipeline(trainer: Any, checkpoint: Path, ssl: tuple[str, str]) -> Any:
    """Upstream's ``Pipeline`` over local folders, in the state its constructor would leave it in."""
    from peft import LoraConfig
    from transformers import AutoTokenizer, HubertModel

    pipeline = trainer.Pipeline.__new__(trainer.Pipeline)
    trainer.LightningModule.__init__(pipeline)
    pipeline.T, pipeline.is_train, pipeline.ssl_coeff, pipeline.adapter_name = 1000, True, 1.0, "adapter"
    settings = {"shift": 3.0, "logit_mean": 0.0, "logit_std": 1.0, "timestep_densities_type": "logit_normal"}
    settings |= {"learning_rate": 1e-4, "weight_decay": 1e-2, "max_steps": 2_000_000, "warmup_steps": 10}
    pipeline.save_hyperparameters(settings)
    pipeline.scheduler = pipeline.get_scheduler()
    network = upstream_networks(trainer).ACEStepTransformer2DModel.from_pretrained(checkpoint / TRANSFORMER)
    network.float().enable_gradient_checkpointing()
    network.add_adapter(adapter_config=LoraConfig(**LORA), adapter_name="adapter")
    pipeline.transformers = network.train()
    pipeline.dcae = _codec(trainer, checkpoint)
    pipeline.text_encoder_model = _text_encoder(checkpoint)
    pipeline.text_tokenizer = AutoTokenizer.from_pretrained(checkpoint / TEXT)
    pipeline.mert_model, pipeline.hubert_model = (
        HubertModel.from_pretrained(folder, dtype=torch.float32).eval().requires_grad_(False) for folder in ssl
    )
    resample = trainer.torchaudio.transforms.Resample
    pipeline.resampler_mert, pipeline.resampler_mhubert = resample(48_000, 24_000), resample(48_000, 16_000)
    vars(pipeline).update(plot_step=_nothing, log=_nothing, lr_schedulers=_nothing)
    return pipeline


def upstream_networks(trainer: Any) -> Any:
    """The module of upstream's inference pipeline, where its network classes are imported."""
    return sys.modules[trainer.ACEStepPipeline.__module__]


def _text_encoder(checkpoint: Path) -> Any:
    from transformers import UMT5EncoderModel

    return UMT5EncoderModel.from_pretrained(checkpoint / TEXT, dtype=torch.float32).eval().requires_grad_(False)


def _codec(trainer: Any, checkpoint: Path) -> Any:
    """Upstream's ``MusicDCAE`` with a random vocoder, of which encoding reads the mel front end alone."""
    module = sys.modules[upstream_networks(trainer).MusicDCAE.__module__]
    vocoder = module.ADaMoSHiFiGANV1
    with _replaced(vocoder, "from_pretrained", lambda path: vocoder()):
        codec = module.MusicDCAE(dcae_checkpoint_path=checkpoint / DCAE, vocoder_checkpoint_path=checkpoint)
    return codec.float().eval().requires_grad_(False)


@contextlib.contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Any:
    had = name in vars(owner)
    before = vars(owner).get(name)
    setattr(owner, name, value)
    yield
    if had:
        setattr(owner, name, before)
    else:
        delattr(owner, name)


def _clocked(method: Any, seconds: dict[str, float], name: str) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        start = time.process_time()
        result = method(*args, **kwargs)
        seconds[name] = time.process_time() - start
        return result

    return call


def _nothing(*args: Any, **kwargs: Any) -> None:
    """Stands for plotting and logging."""
