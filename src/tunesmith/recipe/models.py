"""What a run is: typed, documented, with unknown keys refused. Every default carries its reason."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from tunesmith.adapters.settings import AdapterRecipe
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.data.layouts import AUTO, LAYOUTS
from tunesmith.records.settings import (
    CADENCE,
    CLIPS,
    EXECUTION,
    LENGTH,
    OUTPUTS,
    RESUMABLE,
    SELECTION,
    WEIGHTS,
    Positive,
    Section,
    Share,
)
from tunesmith.texts import msg

Seconds = Annotated[float, Field(gt=0, le=3600)]
"""Of audio that is made; an hour takes a night on a CPU already."""
Count = Annotated[int, Field(gt=0, le=1000)]
"""Of clips that are made."""
Seed = Annotated[int, Field(ge=-(2**62), le=2**62)]
"""What every generator takes, with room for adding a number of items."""
Beta = Annotated[float, Field(ge=0, lt=1)]
GateAction = Literal["stop", "warn", "off"]
if TYPE_CHECKING:
    LayoutName = str
else:
    LayoutName = Literal[(AUTO, *(layout.name for layout in LAYOUTS))]


class ModelRecipe(Section):
    """The base model and the device it trains on."""

    path: Annotated[str, WEIGHTS] = "facebook/musicgen-small"
    """Hub id, local folder, or `pocket` for the tiny model that ships with Tunesmith."""
    family: Annotated[str | None, WEIGHTS] = None
    """Model family; found from the checkpoint when left out."""
    revision: Annotated[str | None, WEIGHTS] = None
    """Hub revision (branch, tag or commit) to take the weights from."""
    device: Annotated[str, EXECUTION] = "auto"
    """`auto`, `cpu`, `cuda`, `cuda:1` or `mps`."""
    precision: Annotated[Literal["auto", "fp32", "bf16", "fp16"], EXECUTION] = "auto"
    """`auto`: bf16 on a GPU that has it, else fp32. Half precision on a CPU is many times slower, so it runs fp32."""


class DataRecipe(Section):
    """The user's clips."""

    folder: Annotated[str, CLIPS] = ""
    """The folder of audio, or a `.jsonl` list of speech pairs."""
    layout: Annotated[LayoutName, CLIPS] = AUTO
    """How captions belong to clips; `auto` looks."""
    metadata_file: Annotated[str, CLIPS] = "metadata.json"
    """Name of the metadata file for the `metadata` layout."""
    valid_file: Annotated[str, CLIPS] = ""
    """A second list of speech pairs (layout `pairs`), to hold out; by default `val.jsonl` beside `train.jsonl`."""
    default_text: Annotated[str | None, CLIPS] = None
    """Caption of clips that have none of their own."""
    valid_share: Annotated[Share, CLIPS] = 0.1
    """Held-out share. Without held-out clips nothing can tell learning from memorising."""
    valid_min: Annotated[int, Field(ge=0), CLIPS] = 2
    """At least this many held-out clips."""
    max_seconds: Annotated[Positive, RESUMABLE] = 30.0
    """Longest crop trained on; MusicGen never saw more than 30 s."""
    min_crop_seconds: Annotated[Positive, RESUMABLE] = 10.0
    """Shortest random crop of a longer track; shorter clips keep their true length."""
    overrule: Annotated[tuple[str, ...], CLIPS] = ()
    """Clips (ids as the findings name them) to use although a check would quarantine them."""
    fingerprint: Annotated[bool, CLIPS] = True
    """Compare clips by sound, so that near-duplicates never straddle the split."""
    replay: Annotated[str, CLIPS] = ""
    """A second folder of audio, or `.jsonl` list of speech pairs, to mix in so that the model keeps what it can do:
    edit pairs beside clips to clone, other styles beside one. Any layout; held-out and checked like your own clips."""
    replay_share: Annotated[float, Field(ge=0, lt=1), RESUMABLE] = 0.2
    """Share of the clips trained on in one pass that are drawn from `replay`. Too much slows the new down; 0 only
    measures what is lost."""


class StageRecipe(Section):
    """Length and learning rate of one training stage."""

    epochs: Annotated[Annotated[int, Field(ge=0, le=1_000_000)] | None, LENGTH] = None
    """Passes over the clips; 0 leaves the stage out."""
    updates: Annotated[Annotated[int, Field(ge=0, le=100_000_000)] | None, LENGTH] = None
    """Optimizer updates, instead of `epochs`; 0 leaves the stage out."""
    share: Annotated[Share | None, LENGTH] = None
    """Share of the run's updates or epochs, instead of a length of its own; `train.updates=…` or `train.epochs=…` on
    the command line gives every stage the one that its length has."""
    lr_factor: Annotated[Positive | None, RESUMABLE] = None
    """Share of the learning rate in this stage; the family's own when left out."""


class TrainRecipe(Section):
    """The training run."""

    seed: Annotated[Seed, WEIGHTS] = 42
    """Fixes every random draw."""
    updates: Annotated[Annotated[int, Field(gt=0, le=100_000_000)] | None, LENGTH] = None
    """Optimizer updates. Left out, `epochs` decides."""
    epochs: Annotated[Annotated[int, Field(gt=0, le=1_000_000)] | None, LENGTH] = None
    """Passes over the clips. With neither, 400 updates: enough for 20 to 500 clips, and early stopping ends sooner."""
    stages: Annotated[dict[str, StageRecipe], RESUMABLE] = Field(default_factory=dict)
    """Lengths of single training stages by name, of families that have several. `updates` and `epochs` count only for
    stages without a length of their own, which share them; on the command line they scale all stages."""
    batch_size: Annotated[int, Field(gt=0, le=4096), EXECUTION] = 4
    """Clips per micro-batch and device."""
    accumulation: Annotated[int, Field(gt=0, le=100_000), EXECUTION] = 2
    """Micro-batches per update. The result does not depend on how a batch is cut into micro-batches."""
    token_budget: Annotated[Annotated[int, Field(gt=0)] | None, EXECUTION] = None
    """At most this many frames (padding included) per micro-batch; larger ones are cut further."""
    learning_rate: Annotated[Positive, RESUMABLE] = 1e-4
    """Peak learning rate."""
    warmup_updates: Annotated[Annotated[int, Field(ge=0)] | None, RESUMABLE] = None
    """Linear warm-up; 5 % of the updates when left out, and never more than 10 %."""
    schedule: Annotated[Literal["cosine", "constant", "linear"], RESUMABLE] = "cosine"
    """How the learning rate falls after warm-up."""
    min_lr_share: Annotated[Share, RESUMABLE] = 0.1
    """Where the fall ends, as a share of the peak."""
    weight_decay: Annotated[float, Field(ge=0), RESUMABLE] = 0.01
    """AdamW weight decay."""
    betas: Annotated[tuple[Beta, Beta], RESUMABLE] = (0.9, 0.95)
    """AdamW betas; AudioCraft's."""
    max_grad_norm: Annotated[Positive, RESUMABLE] = 1.0
    """Gradient clipping."""
    clip: Annotated[Literal["norm", "value"], RESUMABLE] = "norm"
    """What `max_grad_norm` limits: the gradient's norm, or every number of it (which turns its direction)."""
    gradient_checkpointing: Annotated[bool, EXECUTION] = False
    """Trade a third more compute for much less memory."""
    compile: Annotated[Literal["off", "regional"], EXECUTION] = "off"
    """`regional` compiles the repeated block (GPU only; minutes to warm up)."""
    ema_decay: Annotated[float, Field(ge=0, lt=1), RESUMABLE] = 0.0
    """Moving average of the adapter; 0 turns it off."""
    use_weights: Annotated[Literal["raw", "ema"], SELECTION] = "raw"
    """Which weights are evaluated, called best and exported: always the same ones."""
    log_every: Annotated[int, Field(gt=0), CADENCE] = 10
    """Updates between two lines of training loss."""
    valid_every: Annotated[int, Field(gt=0), SELECTION] = 50
    """Updates between two held-out measurements."""
    save_every: Annotated[int, Field(gt=0), CADENCE] = 100
    """Updates between two checkpoints; an interruption loses at most what came since (and Ctrl-C loses nothing)."""
    keep_checkpoints: Annotated[int, Field(gt=0), CADENCE] = 2
    """Newest checkpoints kept; the best one is kept besides."""
    snapshots: Annotated[str, CADENCE] = ""
    """Folder, relative to the run, that keeps the adapter of every save as `epoch=E-step=S_lora/`; empty keeps none."""
    early_stopping: Annotated[int, Field(ge=0), SELECTION] = 4
    """Stop after this many held-out measurements without a new best; 0 never stops early."""
    max_skipped: Annotated[int, Field(gt=0), EXECUTION] = 10
    """Non-finite updates in a row that end the run."""

    @field_validator("snapshots")
    @classmethod
    def _stays_inside(cls, value: str) -> str:
        if ".." in PurePosixPath(value.replace("\\", "/")).parts:
            raise ValueError(msg("it leads out of the run folder; give the name of a folder inside of it"))
        return value


class PreviewRecipe(Section):
    """Listening while it trains: same prompts and seeds every time."""

    every: Annotated[int, Field(ge=0), CADENCE] = 100
    """Updates between previews (and one round at step 0 and at the end); 0 turns them off. The weights of the lowest
    held-out loss become `best_model` when previews have judged them, at the next round or at the end."""
    prompts: Annotated[tuple[str, ...], SELECTION] = ()
    """Prompts; the first held-out captions when empty."""
    count: Annotated[int, Field(gt=0, le=16), SELECTION] = 2
    """How many held-out captions to use when no prompts are given."""
    seconds: Annotated[Seconds, SELECTION] = 8.0
    """Length of a preview."""
    max_share: Annotated[float, Field(ge=0), CADENCE] = 0.15
    """Previews may take this share of the training time, as measured while it runs. A round that has no room in it is
    left out, and said; those before the first update and after the last one are always made."""


class GenerateRecipe(Section):
    """Audio made after training."""

    decides = OUTPUTS

    prompts: tuple[str, ...] = ()
    """Prompts; held-out captions when empty."""
    count: Count = 4
    """How many of them."""
    seconds: Seconds = 10.0
    """Length in seconds; over the family's window it is continued by a sliding window."""
    seed: Seed = 1234
    """Item i uses seed + i."""
    lyrics: str = ""
    """Lyrics, or the path of a .txt file with them, for families that sing; held-out clips bring their own."""
    source: str = ""
    """Audio file to start from, where the family or its `options.task` takes one."""
    span: tuple[float, float] | None = None
    """Part of the source that is meant, in seconds (to repaint; or to extend to, beyond its ends)."""
    source_prompt: str = ""
    """What the source sounds like, for tasks that compare (edit)."""
    source_lyrics: str = ""
    """What the source sings, for tasks that compare (edit)."""
    loras: tuple[str, ...] = ()
    """Adapter files or folders to use instead of the run's own, each with its strength: `a:0.8`."""
    format: Literal["wav", "flac", "mp3"] = "wav"
    """File format."""
    adapter_scale: Annotated[float, Field(ge=0, le=4)] = 1.0
    """Strength of the adapter: 0 is the base, 1 as trained."""
    batch_size: Annotated[int, Field(gt=0, le=4096), EXECUTION] = 8
    """Prompts generated at once; results do not depend on it."""


class EvaluateRecipe(Section):
    """Base against adapter on the same prompts and seeds."""

    decides = OUTPUTS

    prompts: tuple[str, ...] = ()
    """Prompts; held-out captions when empty, else eight built-in ones."""
    count: Count = 8
    """How many prompts."""
    seconds: Seconds = 10.0
    """Length of each clip."""
    seed: Seed = 1234
    """Item i uses seed + i on both sides."""
    forgetting_prompts: Annotated[int, Field(ge=0, le=1000)] = 4
    """Base-style prompts whose loss and sound must not get worse."""
    compare: bool = True
    """Generate the base side too."""


class GatesRecipe(Section):
    """Preflight gates, run before the first update: `stop`, `warn` or `off` each."""

    decides = EXECUTION

    base_loss: GateAction = "stop"
    """Held-out loss of the base above 0.85 of a uniform guess: wrong weights, layout or codec."""
    layout: GateAction = "stop"
    """The delayed layout must beat the parallel one on the base model."""
    train_equals_eval: GateAction = "stop"
    """At step 0 the training-mode loss must equal the evaluation-mode loss; a difference is dropout left on."""
    trained_frames: GateAction = "stop"
    """At least 0.9 of the real frames must be trained on."""
    warmup: GateAction = "warn"
    """Warm-up longer than 10 % of the updates is cut to that, and said; `stop` refuses instead."""
    leakage: GateAction = "stop"
    """No clip, file span or source track may be in train and valid at once (likeness by sound is a check's work)."""


class Recipe(Section):
    """A whole run."""

    name: Annotated[str, OUTPUTS] = "run"
    """Name of the run; its folder is runs/<name>/."""
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
    """The family's own options; see `tunesmith schema`."""

    @model_validator(mode="after")
    def _consistent(self) -> Recipe:
        if self.data.min_crop_seconds > self.data.max_seconds:
            object.__setattr__(self, "data", self.data.model_copy(update={"min_crop_seconds": self.data.max_seconds}))
        if self.train.use_weights == "ema" and self.train.ema_decay == 0:
            raise ValueError(
                msg("train.use_weights is `ema` but train.ema_decay is 0; set ema_decay (0.99, say) or use `raw`")
            )
        return self
