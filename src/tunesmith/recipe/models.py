"""What a run is: typed, documented, with unknown keys refused. Every default carries its reason."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from tunesmith.adapters.settings import AdapterRecipe
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.data.layouts import AUTO, LAYOUTS
from tunesmith.data.remote import local_place
from tunesmith.records.settings import (
    CADENCE,
    CLIPS,
    EXECUTION,
    LENGTH,
    OUTPUTS,
    RESUMABLE,
    SELECTION,
    WEIGHTS,
    LearningRate,
    Positive,
    Section,
    Share,
)
from tunesmith.texts import msg

Seconds = Annotated[float, Field(ge=0.1, le=3600)]
"""Of audio that is made: a tenth of a second holds a frame of every family; an hour takes a night on a CPU already."""
Count = Annotated[int, Field(gt=0, le=1000)]
"""Of clips that are made."""
Seed = Annotated[int, Field(ge=-(2**62), le=2**62)]
"""What every generator takes, with room for adding a number of items."""
Beta = Annotated[float, Field(ge=0, lt=1)]
_MOST_WORKERS = 1024
GateAction = Literal["stop", "warn", "off"]
if TYPE_CHECKING:
    LayoutName = str
else:
    LayoutName = Literal[(AUTO, *(layout.name for layout in LAYOUTS))]


class ModelRecipe(Section):
    """This is the base model, and the device it trains on."""

    path: Annotated[str, WEIGHTS] = "facebook/musicgen-small"
    """This is a hub id, a local folder, or `pocket` for the tiny model that ships with Tunesmith."""
    family: Annotated[str | None, WEIGHTS] = None
    """The model's family is found from the checkpoint when this is left out."""
    revision: Annotated[str | None, WEIGHTS] = None
    """The weights are taken from this revision of the Hub (a branch, tag or commit)."""
    device: Annotated[str, EXECUTION] = "auto"
    """It trains on `cpu`, `cuda`, `cuda:1` or `mps`; `auto` takes the best there is."""
    precision: Annotated[Literal["auto", "fp32", "bf16", "fp16"], EXECUTION] = "auto"
    """`auto` is bf16 on a GPU that has it. On a CPU with AMX or AVX512-BF16 it tries one block of the model in both and
    takes bf16 where that is at least 1.3 times as fast; small models (blocks of under three million weights) and other
    CPUs get fp32. `fp32` and `bf16` are done as told; a CPU without either is many times slower in bf16. `fp16` is a
    GPU's. A run that goes on keeps the precision it began in, unless another one is named here. The base model is held
    in that precision, and what is trained always in fp32."""


class DataRecipe(Section):
    """These are your clips."""

    folder: Annotated[str, CLIPS] = ""
    """Your clips are in this folder or `.jsonl` list of speech pairs, or at this address (`s3://bucket/clips`)."""
    layout: Annotated[LayoutName, CLIPS] = AUTO
    """This says how captions belong to clips; `auto` looks."""
    metadata_file: Annotated[str, CLIPS] = "metadata.json"
    """The list of the `metadata` layout has this name."""
    valid_file: Annotated[str, CLIPS] = ""
    """A second list of speech pairs (layout `pairs`) is held out; by default it is `val.jsonl` beside `train.jsonl`."""
    default_text: Annotated[str | None, CLIPS] = None
    """Clips that have no caption of their own get this one."""
    valid_share: Annotated[Share, CLIPS] = 0.1
    """This share of the clips is held out. Without held-out clips nothing can tell learning from memorising."""
    valid_min: Annotated[int, Field(ge=0), CLIPS] = 2
    """At least this many clips are held out."""
    max_seconds: Annotated[Positive, RESUMABLE] = 30.0
    """No crop that is trained on is longer than this, in seconds; MusicGen never saw more than 30 s."""
    min_crop_seconds: Annotated[Positive, RESUMABLE] = 10.0
    """No random crop of a longer track is shorter than this, in seconds; shorter clips keep their true length."""
    overrule: Annotated[tuple[str, ...], CLIPS] = ()
    """These clips (as the findings name them) are used although a check would quarantine them."""
    workers: Annotated[Literal["auto"] | Annotated[int, Field(ge=1, le=_MOST_WORKERS)], EXECUTION] = "auto"
    """So many processes measure and encode clips; the results are the same. `auto` takes one for each core that it may
    use, fewer where memory is short, and none beside the command's own where starting them takes longer than it
    saves. 1 works without them."""
    fingerprint: Annotated[bool, CLIPS] = True
    """Clips are compared by sound, so that near-duplicates never straddle the split."""
    replay: Annotated[str, CLIPS] = ""
    """A second folder of audio, or `.jsonl` list of speech pairs, is mixed in so that the model keeps what it can do:
    edit pairs beside clips to clone, other styles beside one. It has any layout, and is held out and checked like your
    own clips."""
    replay_share: Annotated[float, Field(ge=0, lt=1), RESUMABLE] = 0.2
    """This share of the clips that are trained on in one pass is drawn from `replay`. Too much slows the new down; 0
    only measures what is lost."""

    @property
    def place(self) -> Path:
        """Where the clips are read: :attr:`folder`, or the copy of what lies there."""
        return local_place(self.folder)

    @field_validator("workers", mode="before")
    @classmethod
    def _auto_or_a_number(cls, value: Any) -> Any:
        if value != "auto" and (type(value) is not int or not 1 <= value <= _MOST_WORKERS):
            raise ValueError(msg("this is neither `auto` nor a whole number from 1 to {most}", most=_MOST_WORKERS))
        return value


class StageRecipe(Section):
    """This is the length and the learning rate of one training stage."""

    epochs: Annotated[Annotated[int, Field(ge=0, le=1_000_000)] | None, LENGTH] = None
    """The stage lasts so many passes over the clips; 0 leaves it out."""
    updates: Annotated[Annotated[int, Field(ge=0, le=100_000_000)] | None, LENGTH] = None
    """The stage lasts so many optimizer updates, instead of `epochs`; 0 leaves it out."""
    share: Annotated[Share | None, LENGTH] = None
    """The stage has this share of the run's updates or epochs, instead of a length of its own; `train.updates=…` or
    `train.epochs=…` on the command line gives every stage the one that its length has."""
    lr_factor: Annotated[Positive | None, RESUMABLE] = None
    """The learning rate of this stage is this share of the run's; the family's own counts when it is left out."""


class TrainRecipe(Section):
    """This is the training."""

    seed: Annotated[Seed, WEIGHTS] = 42
    """The seed fixes every random draw."""
    updates: Annotated[Annotated[int, Field(gt=0, le=100_000_000)] | None, LENGTH] = None
    """Training lasts so many optimizer updates. When this is left out, `epochs` decides."""
    epochs: Annotated[Annotated[int, Field(gt=0, le=1_000_000)] | None, LENGTH] = None
    """Training lasts so many passes over the clips. With neither it lasts 400 updates: that is enough for 20 to 500
    clips, and early stopping ends it sooner."""
    stages: Annotated[dict[str, StageRecipe], RESUMABLE] = Field(default_factory=dict)
    """Lengths of single training stages by name, of families that have several. `updates` and `epochs` count only for
    stages without a length of their own, which share them; on the command line they scale all stages."""
    batch_size: Annotated[int, Field(gt=0, le=4096), EXECUTION] = 4
    """A micro-batch has this many clips on each device."""
    accumulation: Annotated[int, Field(gt=0, le=100_000), EXECUTION] = 2
    """An update has this many micro-batches. The result does not depend on how a batch is cut into them."""
    token_budget: Annotated[Annotated[int, Field(gt=0)] | None, EXECUTION] = None
    """A micro-batch has at most this many frames (padding included); larger ones are cut further."""
    learning_rate: Annotated[LearningRate, RESUMABLE] = 1e-4
    """The learning rate rises to this peak."""
    warmup_updates: Annotated[Annotated[int, Field(ge=0)] | None, RESUMABLE] = None
    """The rate rises linearly over this many updates: 5 % of them when this is left out, and never more than 10 %."""
    schedule: Annotated[Literal["cosine", "constant", "linear"], RESUMABLE] = "cosine"
    """This is how the learning rate falls after warm-up."""
    min_lr_share: Annotated[Share, RESUMABLE] = 0.1
    """The fall ends at this share of the peak."""
    weight_decay: Annotated[float, Field(ge=0), RESUMABLE] = 0.01
    """AdamW decays weights at this rate."""
    betas: Annotated[tuple[Beta, Beta], RESUMABLE] = (0.9, 0.95)
    """These are AdamW's betas; the defaults are AudioCraft's."""
    max_grad_norm: Annotated[Positive, RESUMABLE] = 1.0
    """The gradient is clipped to this."""
    clip: Annotated[Literal["norm", "value"], RESUMABLE] = "norm"
    """`max_grad_norm` limits the gradient's norm, or every number of it (which turns its direction)."""
    gradient_checkpointing: Annotated[bool, EXECUTION] = False
    """This trades a third more compute for much less memory."""
    compile: Annotated[Literal["off", "regional"], EXECUTION] = "off"
    """`regional` compiles the repeated block (GPU only; minutes to warm up)."""
    shard_base: Annotated[bool, EXECUTION] = False
    """The frozen base is divided among the processes of a launcher (FSDP2), for one that does not fit on a device."""
    ema_decay: Annotated[float, Field(ge=0, lt=1), RESUMABLE] = 0.0
    """A moving average of the adapter is kept with this decay; 0 turns it off."""
    use_weights: Annotated[Literal["raw", "ema"], SELECTION] = "raw"
    """These weights are evaluated, called best and exported: always the same ones."""
    log_every: Annotated[int, Field(gt=0), CADENCE] = 10
    """A line of training loss is printed every so many updates."""
    valid_every: Annotated[int, Field(gt=0), SELECTION] = 50
    """The held-out loss is measured every so many updates."""
    save_every: Annotated[int, Field(gt=0), CADENCE] = 100
    """A checkpoint is saved every so many updates; an interruption loses at most what came since (and Ctrl-C loses
    nothing)."""
    keep_checkpoints: Annotated[int, Field(gt=0), CADENCE] = 2
    """So many of the newest checkpoints are kept, and the best one besides."""
    snapshots: Annotated[str, CADENCE] = ""
    """This folder in the run keeps the adapter of every save as `epoch=E-step=S_lora/`; an empty name keeps none."""
    early_stopping: Annotated[int, Field(ge=0), SELECTION] = 4
    """Training stops after this many held-out measurements without a new best; 0 never stops early."""
    max_skipped: Annotated[int, Field(gt=0), EXECUTION] = 10
    """So many non-finite updates in a row end the run."""

    @field_validator("snapshots")
    @classmethod
    def _stays_inside(cls, value: str) -> str:
        if ".." in PurePosixPath(value.replace("\\", "/")).parts:
            raise ValueError(msg("it leads out of the run folder; give the name of a folder inside of it"))
        return value


class PreviewRecipe(Section):
    """While it trains it is listened to, with the same prompts and seeds every time."""

    every: Annotated[int, Field(ge=0), CADENCE] = 100
    """Previews are made every so many updates, and one round at step 0 and at the end; 0 turns them off. The weights of
    the lowest held-out loss become `best_model` when previews have judged them, at the next round or at the end."""
    prompts: Annotated[tuple[str, ...], SELECTION] = ()
    """Previews are made of these prompts; the first held-out captions are taken when there are none."""
    count: Annotated[int, Field(gt=0, le=16), SELECTION] = 2
    """So many held-out captions are taken when no prompts are given."""
    seconds: Annotated[Seconds, SELECTION] = 8.0
    """A preview lasts so many seconds."""
    max_share: Annotated[float, Field(ge=0), CADENCE] = 0.15
    """Previews may take this share of the training time, as measured while it runs. A round that has no room in it is
    left out, and said; those before the first update and after the last one are always made."""


class GenerateRecipe(Section):
    """This is the audio that is made after training."""

    decides = OUTPUTS

    prompts: tuple[str, ...] = ()
    """Audio is made of these prompts; held-out captions are taken when there are none."""
    count: Count = 4
    """At most so many prompts are taken."""
    seconds: Seconds = 10.0
    """A file lasts so many seconds; beyond the family's window it is continued by a sliding window."""
    seed: Seed = 1234
    """Item i uses this seed + i."""
    lyrics: str = ""
    """These lyrics, or those in the .txt file of this path, are sung where the family sings; held-out clips bring their
    own."""
    source: str = ""
    """It starts from this audio file where the family or its `options.task` takes one."""
    span: tuple[float, float] | None = None
    """This part of the source is meant, in seconds (it is repainted, or extended to, beyond its ends)."""
    source_prompt: str = ""
    """This says what the source sounds like, for tasks that compare (edit)."""
    source_lyrics: str = ""
    """This says what the source sings, for tasks that compare (edit)."""
    loras: tuple[str, ...] = ()
    """These adapter files or folders are used instead of the run's own, each with its strength: `a:0.8`."""
    format: Literal["wav", "flac", "mp3"] = "wav"
    """Files are written in this format."""
    adapter_scale: Annotated[float, Field(ge=0, le=4)] = 1.0
    """The adapter has this strength: 0 is the base, 1 is as trained."""
    batch_size: Annotated[int, Field(gt=0, le=4096), EXECUTION] = 8
    """So many prompts are generated at once; results do not depend on it."""


class EvaluateRecipe(Section):
    """Base and adapter are compared on the same prompts and seeds."""

    decides = OUTPUTS

    prompts: tuple[str, ...] = ()
    """They are compared on these prompts; without any, on held-out captions, else on eight built-in prompts."""
    count: Count = 8
    """So many prompts are compared on."""
    seconds: Seconds = 10.0
    """Each clip lasts so many seconds."""
    seed: Seed = 1234
    """Item i uses this seed + i on both sides."""
    forgetting_prompts: Annotated[int, Field(ge=0, le=1000)] = 4
    """The loss and sound of so many base-style prompts must not get worse."""
    compare: bool = True
    """The base's side is generated too."""
    strength_prompts: Annotated[int, Field(ge=0, le=100)] = 3
    """So many prompts are also heard at half and at one and a half times the adapter's strength; 0 leaves that out."""


class GatesRecipe(Section):
    """Preflight gates are run before the first update: `stop`, `warn` or `off` each."""

    decides = EXECUTION

    base_loss: GateAction = "stop"
    """The base's held-out loss must be under 0.85 of a uniform guess; a pocket model only warns. Above it clips,
    weights, codec or layout are not what they should be."""
    layout: GateAction = "stop"
    """The delayed layout must beat the parallel one on the base model."""
    train_equals_eval: GateAction = "stop"
    """At step 0 the training-mode loss must equal the evaluation-mode loss; a difference is dropout left on."""
    trained_frames: GateAction = "stop"
    """At least 0.9 of the real frames must be trained on."""
    warmup: GateAction = "warn"
    """A warm-up longer than 10 % of the updates is cut to that, and said; `stop` refuses instead."""
    leakage: GateAction = "stop"
    """No clip, file span or source track may be in train and valid at once (likeness by sound is a check's work)."""


class Recipe(Section):
    """A whole run."""

    name: Annotated[str, OUTPUTS] = "run"
    """The run has this name; its folder is runs/<name>/."""
    model: ModelRecipe = ModelRecipe()
    data: DataRecipe = DataRecipe()
    checks: CheckLimits = CheckLimits()
    adapter: AdapterRecipe = AdapterRecipe()
    train: TrainRecipe = TrainRecipe()
    previews: PreviewRecipe = PreviewRecipe()
    generate: GenerateRecipe = GenerateRecipe()
    evaluate: EvaluateRecipe = EvaluateRecipe()
    gates: GatesRecipe = GatesRecipe()
    options: dict[str, Any] = Field(default_factory=dict)
    """These are the family's own options; `tunesmith schema` lists them."""

    @model_validator(mode="after")
    def _consistent(self) -> Recipe:
        if self.data.min_crop_seconds > self.data.max_seconds:
            object.__setattr__(self, "data", self.data.model_copy(update={"min_crop_seconds": self.data.max_seconds}))
        if self.train.use_weights == "ema" and self.train.ema_decay == 0:
            raise ValueError(
                msg("train.use_weights is `ema` but train.ema_decay is 0; set ema_decay (0.99, say) or use `raw`")
            )
        if self.train.shard_base and self.train.compile != "off":
            raise ValueError(msg("train.shard_base does not go together with train.compile; set compile to `off`"))
        return self
