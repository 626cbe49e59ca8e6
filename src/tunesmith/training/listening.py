"""Previews in the course of a run: the rounds that are due, and what they say of the candidate for the best weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tunesmith.texts import Message, msg
from tunesmith.training.candidate import judge_candidates
from tunesmith.training.curves import draw_curves
from tunesmith.training.preview_rounds import Rounds
from tunesmith.training.previews import preview

if TYPE_CHECKING:
    from tunesmith.training.run_state import RunState


def listen(run: RunState, *, ending: bool) -> None:
    """Make the round of previews that is due, if there is room for it, and let it judge the candidate.

    Args:
        run: The run.
        ending: Whether the present stage is over.
    """
    state, every, update = run.state, run.context.recipe.previews.every, run.state.progress.update
    at_end = ending and state.last_stage
    due = bool(run.requests) and (ending or update % every == 0)
    made = due and make_round(run, at_end=at_end)
    if made or ending:
        judge_candidates(run)
    # The course is drawn whenever a round was due, whether or not there was room for it.
    if due and (picture := draw_curves(run.context.folder, update)):
        run.tracker.picture("curves", picture, update)


def make_round(run: RunState, *, at_beginning: bool = False, at_end: bool = False) -> bool:
    """Make a round, whole at the beginning and of at least one prompt at the end, or say that there is no room."""
    update, rounds = run.state.progress.update, run.rounds
    prompts = rounds.prompts if at_beginning else rounds.prompts_at(update, at_end=at_end)
    if prompts:
        preview(run, prompts)
    if prompts < rounds.prompts:
        run.log("previews_thinned", thinned(rounds, prompts))
    rounds.write(update, prompts)
    return prompts > 0


def thinned(rounds: Rounds, prompts: int) -> Message:
    """What is said of a round that is left out, or not whole."""
    return msg(
        "previews: {made} of {prompts} prompts this time; those so far took {spent:.0f} s and training {trained:.0f} s "
        "(previews.max_share: {share:g})",
        made=prompts,
        prompts=rounds.prompts,
        spent=rounds.spent,
        trained=rounds.trained,
        share=rounds.recipe.max_share,
    )
