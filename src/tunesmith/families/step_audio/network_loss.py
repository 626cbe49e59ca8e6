"""What of a held-out loss is one network's own: the joint stage adds up two weighed losses that no one can compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tunesmith.families.step_audio.config import FLOW, LLM
from tunesmith.records.metrics import ValidLine, read_metric_lines


@dataclass(frozen=True)
class NetworkLoss:
    """The stage that found a network's weights, and their own held-out loss; empty and ``None`` where not known."""

    stage: str = ""
    loss: float | None = None


UNKNOWN = NetworkLoss()
_BEST, _METRICS = "best_model", "metrics.jsonl"
"""Where a run keeps its best adapter, and what was measured on the way to it."""


def network_loss(network: str, terms: Mapping[str, float | None]) -> float | None:
    """A network's own loss among the terms of a measurement, unweighted; ``None`` where it was not measured.

    Args:
        network: ``llm`` (nats per code) or ``flow`` (mean over the times it is measured at).
        terms: Means by name.
    """
    if network == LLM:
        return terms.get(LLM)
    values = [value for name, value in terms.items() if name == FLOW or name.startswith(f"{FLOW}_")]
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def best_losses(metrics: Path) -> dict[str, NetworkLoss]:
    """Of each network, the last measurement that made its weights the best ones.

    Args:
        metrics: A run's ``metrics.jsonl``; where there is none, nothing is known.
    """
    found: dict[str, NetworkLoss] = {}
    for line in read_metric_lines(metrics, refused=[]):
        if isinstance(line, ValidLine) and line.best:
            losses = {name: network_loss(name, line.terms) for name in (LLM, FLOW)}
            found |= {name: NetworkLoss(line.stage, loss) for name, loss in losses.items() if loss is not None}
    return found


def losses_of(adapter: Path) -> dict[str, NetworkLoss]:
    """:func:`best_losses` of the run whose best adapter a folder is; nothing is known of any other folder."""
    return best_losses(adapter.parent / _METRICS) if adapter.name == _BEST else {}
