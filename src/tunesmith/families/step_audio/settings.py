"""The family's own options: the recipe's ``options:`` section."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tunesmith.families.base_weights import BaseWeights
from tunesmith.families.contract import FamilySettings
from tunesmith.records.settings import CLIPS, OUTPUTS, RESUMABLE, WEIGHTS
from tunesmith.texts import Message, msg


class StepAudioSettings(FamilySettings):
    """Step-Audio-EditX's own options."""

    train: Annotated[Literal["both", "llm", "flow"], WEIGHTS] = "both"
    """Which networks train: the LLM, then the flow, then both together; or one of them alone."""
    prompt_style: Annotated[Literal["current", "legacy"], WEIGHTS] = "current"
    """Layout of the LLM's prompts: the chat template of the present weights, or that of the first inference code."""
    llm_weight: Annotated[float, Field(ge=0), WEIGHTS] = 0.4
    """Share of the LLM's loss while both train together."""
    flow_weight: Annotated[float, Field(ge=0), WEIGHTS] = 0.6
    """Share of the flow's loss while both train together."""
    sampled_share: Annotated[float, Field(ge=0, le=1), RESUMABLE] = 0.25
    """Share of the clips whose flow, while both train together, gets codes that the LLM sampled instead of the true
    ones; without it the joint stage would be two separate trainings."""
    prompt_share: Annotated[float, Field(ge=0, le=1), RESUMABLE] = 0.75
    """Share of the clips whose flow is given the mel of the whole prompt, as in use; the others get a random
    beginning of it, or none."""
    condition_dropout: Annotated[float, Field(ge=0, lt=1), RESUMABLE] = 0.2
    """Share of the clips whose flow is trained without any condition, which guidance needs; CosyVoice's rate."""
    t_schedule: Annotated[Literal["uniform", "cosine"], WEIGHTS] = "uniform"
    """How the flow's times are drawn; CosyVoice drew them by the cosine until January 2026."""
    freeze_encoder: Annotated[bool, WEIGHTS] = True
    """Train only the flow's decoder; its encoder then runs once per clip and its output is kept."""
    base_weights: Annotated[BaseWeights, WEIGHTS] = "full"
    """Keep the frozen matrices of the LLM's blocks in int8 (torchao) or NF4 (bitsandbytes): half or a quarter of bf16's
    memory."""
    language: Annotated[str, CLIPS] = ""
    """What is spoken (`en`, `zh`), for Whisper where it transcribes; empty lets it find out."""
    whisper: Annotated[str, CLIPS] = ""
    """Folder of Whisper weights; empty looks for downloaded ones."""
    tokenizer_path: Annotated[str, WEIGHTS] = ""
    """Folder or hub id of Step-Audio-Tokenizer; empty looks beside the model, then on the Hub."""
    flow_path: Annotated[str, WEIGHTS] = ""
    """Folder of the flow (`CosyVoice-300M-25Hz`) where it is not inside the model's."""

    edit_type: Annotated[str, OUTPUTS] = "clone"
    """What to generate: a clone of the voice, or an edit of the source (`emotion`, `style`, `speed`, `denoise`, …)."""
    edit_info: Annotated[str, OUTPUTS] = ""
    """What to edit it to (`happy`, `whisper`, `faster`, …)."""
    temperature: Annotated[float, Field(ge=0, le=2), OUTPUTS] = 0.7
    """How freely the LLM samples; 0 takes the likeliest code."""
    top_k: Annotated[int, Field(ge=0), OUTPUTS] = 0
    """Sample among so many of the likeliest codes; 0 among all."""
    grammar: Annotated[bool, OUTPUTS] = True
    """Allow at each place only codes of the codebook whose turn it is; the reference takes what comes."""
    repetition_rule: Annotated[bool, OUTPUTS] = False
    """Never repeat an id that already comes twice among the last ten, as the first inference code did."""
    flow_steps: Annotated[int, Field(ge=1, le=200), OUTPUTS] = 10
    """Steps of the flow's solver."""
    flow_guidance: Annotated[Annotated[float, Field(ge=0, le=5)] | None, OUTPUTS] = None
    """Strength of the flow's guidance; the checkpoint's own when left out (0.7 for the released one)."""

    def unused(self, seconds: float) -> dict[str, Message]:
        """What belongs to a network that does not train, and the choice among codes where the likeliest is taken."""
        found: dict[str, Message] = {}
        if self.train != "both":
            one = msg("options.train is {network}, so nothing trains together", network=self.train)
            found |= dict.fromkeys(("llm_weight", "flow_weight", "sampled_share"), one)
        if self.train == "llm":
            only = msg("options.train is llm, so the flow does not train")
            found |= dict.fromkeys(("prompt_share", "condition_dropout", "t_schedule", "freeze_encoder"), only)
        if self.temperature == 0:
            found["top_k"] = msg("at temperature 0 the likeliest code is taken")
        if self.edit_type == "clone":
            found["edit_info"] = msg("options.edit_type is clone")
        return found
