"""Training changed nothing: the weights hardly moved, or nothing that was trained on is predicted better."""

from __future__ import annotations

from tunesmith.evaluation.causes.by_heart import LEARNT, train_change, train_numbers
from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.records.run_finding import Cause
from tunesmith.texts import Message, msg

_GAINED = 0.02
_LITTLE = 0.005  # ‖ΔW‖ / ‖W‖ in the median; good runs of the three families end between 0.02 and 0.25


def find(run: RunData) -> Cause | None:
    """Neither held-out nor training clips are predicted better."""
    losses = run.losses
    probes = losses.probes if losses else None
    change = train_change(probes)
    if losses is None or probes is None or change is None or not losses.base_heldout or losses.adapter_heldout is None:
        return None
    held = (losses.adapter_heldout - losses.base_heldout) / losses.base_heldout
    if change < -LEARNT or held < -_GAINED:
        return None
    numbers = train_numbers(probes)
    if probes.change is not None and probes.change.median < _LITTLE:
        return _cause(
            "untrained",
            msg("Hardly trained"),
            msg(
                "It was hardly trained: its layers move the weights by {share:.2%} in the median (1 % to 40 % after a "
                "good run), and {numbers}.",
                share=probes.change.median,
                numbers=numbers,
            ),
            msg("Train two to four times as long, or with three times the learning rate."),
        )
    return _cause(
        "unfit",
        msg("Fits nothing"),
        msg("It does not even predict what it was trained on better: {numbers}.", numbers=numbers),
        msg("Train with a third of the learning rate, and see whether the loss falls in the first steps."),
    )


def _cause(name: str, title: Message, sentence: Message, remedy: Message) -> Cause:
    return Cause(name=name, title=title, sentence=sentence, remedy=remedy)
