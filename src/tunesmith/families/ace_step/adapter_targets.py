"""Adapter targets of ACE-Step v1 that train nothing; upstream's own default list holds one."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.texts import Message, msg


def idle_targets(targets: Sequence[str]) -> list[Message]:
    """One warning for every target whose adapter learns nothing; such adapters load and train all the same."""
    from tunesmith.families.ace_step.parts.weights import is_dead

    warnings = []
    for target in targets:
        if target == "speaker_embedder":
            warnings.append(
                msg(
                    "the adapter on {target} gets no gradient from clips without a speaker vector (speaker_emb_path), "
                    "so without any it stays as it began; leave it out of adapter.targets",
                    target=target,
                )
            )
        elif is_dead(f".cross_attn.{target.rpartition('.')[2]}."):
            warnings.append(
                msg(
                    "no forward pass uses {target}, so there is nothing for an adapter to learn; "
                    "leave it out of adapter.targets",
                    target=target,
                )
            )
    return warnings
