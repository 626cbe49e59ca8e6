"""When previews are made: at their schedule and at the end, thinned where they would take too much of the time.

How long previews take is measured as training goes. What was decided by the clock is written down
(``previews/rounds.json``), so that updates that are done again after an interruption have the same rounds again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tunesmith.recipe.models import PreviewRecipe
from tunesmith.records.preview_rounds import PreviewRound, PreviewRounds
from tunesmith.run.folder import RunFolder


class Rounds:
    """The time that previews have taken, and whether another round has room in it.

    Args:
        folder: The run.
        recipe: How often, and the largest share of the training time.
        prompts: How many prompts a whole round has.
        resume_at: Update that training goes on from; ``None`` where it begins anew.
    """

    def __init__(self, folder: RunFolder, recipe: PreviewRecipe, prompts: int, resume_at: int | None) -> None:
        self.path, self.recipe, self.prompts = folder.preview_rounds, recipe, prompts
        known = _recorded(self.path, recipe) if resume_at is not None else ()
        self.repeated = {one.update: one for one in known if one.update > (resume_at or 0)}
        self.done = [one for one in known if one.update <= (resume_at or 0)]
        self.spent = self.done[-1].seconds if self.done else 0.0
        self.heard = sum(one.prompts for one in self.done)
        self._trained = self.done[-1].trained if self.done else 0.0
        self._begun: float | None = None
        self._spent_before = 0.0

    def begin(self) -> None:
        """The first update of this process begins."""
        self._begun, self._spent_before = time.monotonic(), self.spent

    @property
    def trained(self) -> float:
        """Seconds of training so far, previews not counted."""
        if self._begun is None:
            return self._trained
        return self._trained + time.monotonic() - self._begun - (self.spent - self._spent_before)

    @property
    def per_prompt(self) -> float:
        """Seconds that one preview takes, as measured."""
        return self.spent / self.heard if self.heard else 0.0

    @contextmanager
    def timed(self, prompts: int) -> Iterator[None]:
        """Count the time that is spent inside for the previews of so many prompts."""
        begun = time.monotonic()
        yield
        self.spent += time.monotonic() - begun
        self.heard += prompts

    def room(self) -> int:
        """How many prompts there is room for."""
        left = self.recipe.max_share * self.trained - self.spent
        return self.prompts if left >= self.prompts * self.per_prompt else max(0, int(left / self.per_prompt))

    def prompts_at(self, update: int, *, at_end: bool) -> int:
        """How many prompts the round of an update has: all or none, and at the end at least one."""
        if update in self.repeated and (self.repeated[update].made or not at_end):
            return self.repeated[update].prompts
        room = self.room()
        return max(1, room) if at_end else room if room == self.prompts else 0

    def write(self, update: int, prompts: int) -> None:
        """Write down what became of a round."""
        self.done.append(
            PreviewRound(
                update=update,
                made=prompts > 0,
                prompts=prompts,
                seconds=round(self.spent, 3),
                trained=round(self.trained, 3),
            )
        )
        later = [one for one in self.repeated.values() if one.update > update]
        PreviewRounds(every=self.recipe.every, max_share=self.recipe.max_share, rounds=(*self.done, *later)).write(
            self.path
        )


def _recorded(path: Path, recipe: PreviewRecipe) -> tuple[PreviewRound, ...]:
    """The rounds of the same schedule that were written down."""
    if not path.exists():
        return ()
    known = PreviewRounds.read(path)
    return known.rounds if (known.every, known.max_share) == (recipe.every, recipe.max_share) else ()
