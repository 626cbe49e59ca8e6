"""Every cell of the story: a run that was tuned well, or badly in one way, and the cause that has to be named first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

FAMILIES = ("musicgen", "ace_step", "step_audio")
PRESETS = {
    "musicgen": "pocket-demo",
    "ace_step": "pocket-demo-ace-step",
    "step_audio": "pocket-demo-step-audio",
}
RATES = {"musicgen": 2e-3, "ace_step": 3e-3, "step_audio": 2e-3}
"""Learning rates of the presets: pocket models take larger ones than real models do."""
RANKS = {"musicgen": 16, "ace_step": 16, "step_audio": 8}
SHORT = {
    "musicgen": ("train.updates=80",),
    "ace_step": ("train.updates=70", "train.valid_every=14"),
    "step_audio": ("options.train=llm", "train.stages.llm.updates=80", "data.valid_min=4"),
}
"""Shorter than the demos, where a good run still passes."""
SAME = (
    "previews.every=1000",
    "evaluate.seconds=5",
    "evaluate.count=8",
    "evaluate.forgetting_prompts=2",
    "evaluate.strength_prompts=0",
    "train.save_every=50",
    "gates.base_loss=warn",
    "gates.layout=warn",
    "gates.train_equals_eval=warn",
    "gates.trained_frames=warn",
)
FEW_CLIPS = {
    "musicgen": ("data.valid_min=3",),
    "ace_step": (
        "data.valid_min=4",
        "adapter.rank=64",
        "adapter.alpha=64",
        "train.learning_rate=0.006",
        "train.updates=200",
        "train.valid_every=20",
        "train.early_stopping=0",
    ),
    "step_audio": ("data.valid_min=3",),
}
"""How a run learns two or three clips by heart. At its own rank and rate ACE-Step's pocket cannot: trained on two clips
for 100 updates, it predicts four others 11 % better than the base model at the end."""
WRONG_OBJECTIVES = {
    "musicgen": {"padding": "padding", "no_delay": "objective"},
    "ace_step": {"noise_sign": "objective", "wrong_shift": "objective"},
    "step_audio": {"token_offset": "objective", "prompt_loss": "objective"},
}


@dataclass(frozen=True)
class Cell:
    """One run of the story.

    Attributes:
        family: Which pocket model.
        name: What is right or wrong with it.
        expected: The cause that has to be named first; empty where nothing may be blamed.
        settings: Recipe keys beside the preset's.
        damage: What is done to the clips (``story_cells/clips.py``).
        objective: How the objective is wrong (``story_cells/wrong_objective.py``).
        afterwards: What is done to the good run instead of training (``story_cells/afterwards.py``).
    """

    family: str
    name: str
    expected: str = ""
    settings: tuple[str, ...] = ()
    damage: str = ""
    objective: str = ""
    afterwards: str = ""

    @property
    def key(self) -> str:
        """Its folder's name."""
        return f"{self.family}-{self.name}"


def cells(family: str, seed: int = 0) -> Iterator[Cell]:
    """Good ones first: the later ones of ``afterwards`` begin with the first of them.

    Args:
        family: Which pocket model.
        seed: Moves every cell's seed, so that the rules meet runs which nobody has seen yet.
    """
    rate, rank = RATES[family], RANKS[family]
    own = f"train.seed={seed}"
    # Speech has no crops: four sentences are known by heart after two dozen updates.
    four = ("train.stages.llm.updates=24", "train.valid_every=8") if family == "step_audio" else ()
    yield Cell(family, "good_1", settings=(f"train.seed={seed + 1}",))
    yield Cell(family, "good_2", settings=(f"train.seed={seed + 2}",))
    yield Cell(family, "good_rate_3", settings=(f"train.seed={seed + 3}", f"train.learning_rate={3 * rate:g}"))
    yield Cell(family, "good_four_clips", settings=(f"train.seed={seed + 4}", "data.valid_min=2", *four), damage="six")
    yield Cell(family, "good_alpha_2", settings=(f"train.seed={seed + 5}", f"adapter.alpha={2 * rank}"))
    yield Cell(family, "scale_4", "other_strength", afterwards="scale_4")
    yield Cell(family, "scale_0", "zero", afterwards="scale_0")
    yield Cell(family, "wrong_base", "other_base", afterwards="wrong_base")
    yield Cell(family, "rate_100", "rate", settings=(own, f"train.learning_rate={100 * rate:g}"))
    yield Cell(family, "few_clips", "by_heart", settings=(own, *FEW_CLIPS[family]), damage="six")
    yield Cell(family, "shuffled", "captions", settings=(own,), damage="shuffled")
    yield Cell(family, "half_silent", "silent_clips", settings=(own,), damage="half_silent")
    for objective, expected in WRONG_OBJECTIVES[family].items():
        # The gate reads targets backwards, which only fits the right ones.
        yield Cell(family, objective, expected, settings=(own, "gates.layout=off"), objective=objective)
