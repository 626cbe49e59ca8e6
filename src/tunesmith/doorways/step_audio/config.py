"""The guide's YAML: every key with its documented default; an unknown one is refused at its line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tunesmith.errors import TunesmithError
from tunesmith.recipe.errors import Problem, RecipeError, problems_of
from tunesmith.recipe.load import read_text
from tunesmith.recipe.tree import Tree, parse_tree
from tunesmith.texts import msg

DEFAULT = "train/configs/finetune_llm_flow.yaml"
MODEL = "./pretrained_models/Step-Audio-EditX"
FLOW_FOLDER = "CosyVoice-300M-25Hz"
KEY_OF = {
    "name": "save.ckpt_dir",
    "model.path": "model.llm.model_path",
    "model.device": "basic.device",
    "data.folder": "data.train_path",
    "data.valid_file": "data.val_path",
    "adapter.rank": "model.llm.lora_r",
    "adapter.alpha": "model.llm.lora_alpha",
    "adapter.dropout": "model.llm.lora_dropout",
    "adapter.targets": "model.llm.lora_target_modules",
    "train.seed": "basic.seed",
    "train.batch_size": "data.batch_size",
    "train.accumulation": "optim.accum_grad",
    "train.token_budget": "data.max_frames_in_batch",
    "train.learning_rate": "optim.lr_llm",
    "train.warmup_updates": "optim.warmup_steps",
    "train.weight_decay": "optim.weight_decay",
    "train.max_grad_norm": "optim.grad_clip",
    "train.log_every": "basic.log_interval",
    "train.valid_every": "basic.val_interval",
    "train.save_every": "save.save_interval",
    "train.epochs": "basic.max_epoch",
    "train.updates": "basic.max_epoch",
    "options.train": "--mode",
    "options.llm_weight": "loss.llm_weight",
    "options.flow_weight": "loss.flow_weight",
    "options.flow_steps": "model.flow.n_timesteps",
}
"""The key of the guide's YAML that decides a recipe's key."""
PositiveNumber = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(gt=0)]
ZeroOrMore = Annotated[int, Field(ge=0)]


class ConfigSection(BaseModel):
    """Unknown keys are refused; text that is a number (``"1e-4"``) is one."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=(), allow_inf_nan=False)


class Basic(ConfigSection):
    """What to train, on what device, and how often to log and validate."""

    seed: int = 42
    device: str = "cuda"
    max_epoch: ZeroOrMore = 50
    log_interval: Count = 50
    val_interval: Count = 1
    train_mode: Literal["both", "llm", "flow"] = "both"


class Llm(ConfigSection):
    """The language model and its LoRA."""

    model_path: str = MODEL
    lora: bool = True
    lora_r: Annotated[int, Field(gt=0, le=1024)] = 8
    lora_alpha: PositiveNumber = 32
    lora_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.05
    lora_target_modules: tuple[str, ...] = ("q_proj", "v_proj", "k_proj")
    freeze_backbone: bool = True


class Tokenizer(ConfigSection):
    """The audio tokenisers, where they are neither beside nor inside the model's folder."""

    model_path: str = ""


class FlowSection(ConfigSection):
    """The flow; ``lora`` trains a light adapter instead of its decoder."""

    model_path: str = ""
    lora: bool = False
    freeze_encoder: bool = True
    freeze_vocoder: bool = True
    n_timesteps: Annotated[int, Field(ge=1, le=200)] = 10


class Model(ConfigSection):
    """Both networks."""

    llm: Llm = Llm()
    tokenizer: Tokenizer = Tokenizer()
    flow: FlowSection = FlowSection()


class Optim(ConfigSection):
    """The optimizer."""

    lr_llm: PositiveNumber = 1e-4
    lr_flow: PositiveNumber = 1e-5
    warmup_steps: ZeroOrMore = 3000
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    grad_clip: PositiveNumber = 5.0
    accum_grad: Count = 4


class Filter(ConfigSection):
    """Which clips to leave out: audio in frames of 10 ms, texts in tokens."""

    max_length: Count | None = None
    min_length: ZeroOrMore | None = None
    token_max_length: Count | None = None
    token_min_length: ZeroOrMore | None = None


class Data(ConfigSection):
    """The two lists, under either of the names that the guide has had for them, and how they are read."""

    train_path: str = ""
    val_path: str = ""
    train_data: str = ""
    cv_data: str = ""
    batch_size: Count = 2
    max_frames_in_batch: Count | None = None
    max_audio_len: PositiveNumber | None = None
    filter: Filter = Filter()
    max_text_len: Count | None = None
    sample_rate: Count = 24_000
    token_mel_ratio: Count = 2
    num_workers: ZeroOrMore | None = None
    prefetch_factor: ZeroOrMore | None = None
    pin_memory: bool | None = None
    shuffle_size: Count | None = None
    sort_size: Count | None = None
    use_spk_embedding: bool = True

    @property
    def train(self) -> str:
        """The list to train on."""
        return self.train_path or self.train_data or "./data/train.jsonl"

    @property
    def held_out(self) -> str:
        """The list to hold out; empty where none is named."""
        return self.val_path or self.cv_data


class Save(ConfigSection):
    """Where results go, and how often; ``merged`` also writes the whole model."""

    ckpt_dir: str = "./ckpt/finetune"
    save_best: bool = True
    save_interval: Count = 5
    merged: bool = True


class Loss(ConfigSection):
    """Shares of the two losses while both networks train together."""

    llm_weight: Annotated[float, Field(ge=0)] = 0.4
    flow_weight: Annotated[float, Field(ge=0)] = 0.6


class StageSection(ConfigSection):
    """Passes over the clips of each stage, and the learning rate of the last."""

    stage1_epochs: ZeroOrMore | None = None
    stage2_epochs: ZeroOrMore | None = None
    stage3_epochs: ZeroOrMore | None = None
    joint_lr_scale: PositiveNumber = 0.1


class Config(ConfigSection):
    """A whole file."""

    basic: Basic = Basic()
    model: Model = Model()
    optim: Optim = Optim()
    data: Data = Data()
    save: Save = Save()
    loss: Loss = Loss()
    stage: StageSection = StageSection()

    @model_validator(mode="before")
    @classmethod
    def _empty_sections(cls, values: Any) -> Any:
        """``data:`` with every line below commented out means the defaults."""
        return {k: {} if v is None else v for k, v in values.items()} if isinstance(values, dict) else values


@dataclass(frozen=True)
class Given:
    """A file that was read.

    Attributes:
        config: Its values over the defaults.
        tree: What it says itself, and in which lines.
    """

    config: Config
    tree: Tree

    def has(self, *path: str) -> bool:
        """Whether the file gives a key a value."""
        return self.tree.get(*path) is not None

    def where(self, *path: str) -> str:
        """``file:line: key`` of a key."""
        return f"{self.tree.where(path)}: {'.'.join(path)}"


def read_config(path: Path) -> Given:
    """Read the guide's YAML.

    Raises:
        RecipeError: every problem as ``file:line: key: sentence; did you mean …``.
        TunesmithError: when there is no such file.
    """
    if not path.is_file():
        raise TunesmithError(
            msg("there is no such config file"),
            where=str(path),
            remedy=msg("Check --config; the guide's own is {default}.", default=DEFAULT),
        )
    tree = parse_tree(read_text(path), str(path))
    try:
        given = Given(Config.model_validate(tree.values), tree)
    except ValidationError as error:
        raise RecipeError(problems_of(error, Config, tree.where)) from error
    twice = [
        pair
        for pair in (("train_path", "train_data"), ("val_path", "cv_data"))
        if all(given.has("data", n) for n in pair)
    ]
    if twice:
        raise RecipeError(
            Problem(
                tree.where(("data", new)), f"data.{new}", msg("means the same as data.{key}; keep one of them", key=old)
            )
            for new, old in twice
        )
    return given
