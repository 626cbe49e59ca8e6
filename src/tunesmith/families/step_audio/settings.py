"""The family's own options: the recipe's ``options:`` section."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tunesmith.families.base_weights import BaseWeights
from tunesmith.families.contract import FamilySettings
from tunesmith.records.settings import CLIPS, OUTPUTS, RESUMABLE, WEIGHTS
from tunesmith.texts import Message, msg


class StepAudioSettings(FamilySettings):
    """These are Step-Audio-EditX's own options."""

    train: Annotated[Literal["both", "llm", "flow"], WEIGHTS] = "both"
    """This says which networks train: the LLM, then the flow, then both together; or one of them alone."""
    prompt_style: Annotated[Literal["current", "legacy"], WEIGHTS] = "current"
    """The LLM's prompts are laid out by the chat template of the present weights, or by that of the first inference
    code."""
    llm_weight: Annotated[float, Field(ge=0), WEIGHTS] = 0.4
    """The LLM's loss has this share while both train together."""
    flow_weight: Annotated[float, Field(ge=0), WEIGHTS] = 0.6
    """The flow's loss has this share while both train together."""
    sampled_share: Annotated[float, Field(ge=0, le=1), RESUMABLE] = 0.25
    """For this share of the clips the flow gets, while both train together, codes that the LLM sampled instead of the
    true ones; without it the joint stage would be two separate trainings."""
    prompt_share: Annotated[float, Field(ge=0, le=1), RESUMABLE] = 0.75
    """For this share of the clips the flow is given the mel of the whole prompt, as in use; the others get a random
    beginning of it, or none."""
    condition_dropout: Annotated[float, Field(ge=0, lt=1), RESUMABLE] = 0.2
    """For this share of the clips the flow is trained without any condition, which guidance needs; the default is
    CosyVoice's rate."""
    t_schedule: Annotated[Literal["uniform", "cosine"], WEIGHTS] = "uniform"
    """This is how the flow's times are drawn; CosyVoice drew them by the cosine until January 2026."""
    freeze_encoder: Annotated[bool, WEIGHTS] = True
    """Only the flow's decoder is trained; its encoder then runs once per clip and its output is kept."""
    base_weights: Annotated[BaseWeights, WEIGHTS] = "full"
    """The frozen matrices of the LLM's blocks are kept in int8 (torchao) or NF4 (bitsandbytes): half or a quarter of
    bf16's memory."""
    language: Annotated[str, CLIPS] = ""
    """This is spoken (`en`, `zh`), for Whisper where it transcribes; it finds out itself where this is empty."""
    whisper: Annotated[str, CLIPS] = ""
    """Whisper's weights are in this folder; without one, downloaded ones are looked for."""
    tokenizer_path: Annotated[str, WEIGHTS] = ""
    """This is the folder or hub id of Step-Audio-Tokenizer; without one it is looked for beside the model, then on the
    Hub."""
    flow_path: Annotated[str, WEIGHTS] = ""
    """The flow (`CosyVoice-300M-25Hz`) is in this folder where it is not inside the model's."""

    edit_type: Annotated[str, OUTPUTS] = "clone"
    """It generates a clone of the voice, or an edit of the source (`emotion`, `style`, `speed`, `denoise`, …)."""
    edit_info: Annotated[str, OUTPUTS] = ""
    """It is edited to this (`happy`, `whisper`, `faster`, …)."""
    temperature: Annotated[float, Field(ge=0, le=2), OUTPUTS] = 0.7
    """The LLM samples so freely; 0 takes the likeliest code."""
    top_k: Annotated[int, Field(ge=0), OUTPUTS] = 0
    """The LLM samples among so many of the likeliest codes; at 0 it samples among all."""
    grammar: Annotated[bool, OUTPUTS] = True
    """Only codes of the codebook whose turn it is are allowed at each place; the reference takes what comes."""
    repetition_rule: Annotated[bool, OUTPUTS] = False
    """An id that already comes twice among the last ten is never repeated, as in the first inference code."""
    flow_steps: Annotated[int, Field(ge=1, le=200), OUTPUTS] = 10
    """The flow's solver takes so many steps."""
    flow_guidance: Annotated[Annotated[float, Field(ge=0, le=5)] | None, OUTPUTS] = None
    """The flow's guidance has this strength; the checkpoint's own counts when it is left out (0.7 for the released
    one)."""

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
