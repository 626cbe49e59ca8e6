"""A plan in sentences."""

from __future__ import annotations

from collections.abc import Mapping

from tunesmith.records.plan import RunPlan
from tunesmith.texts import Message, msg
from tunesmith.training.phases import shown_rates

_PARTS = {
    "weights": msg("weights"),
    "adapter and optimizer": msg("adapter and optimizer"),
    "activations": msg("activations"),
    "runtime": msg("runtime"),
    "cache": msg("cache"),
    "checkpoints": msg("checkpoints"),
    "audio": msg("audio"),
    "download": msg("download"),
    "encoding": msg("encoding"),
    "training": msg("training"),
    "base style": msg("the base model's own style"),
    "previews": msg("previews"),
    "generate": msg("generate"),
    "evaluate": msg("evaluate"),
    "report": msg("report"),
}
"""What the parts of a plan are called."""


def plan_lines(plan: RunPlan) -> list[Message]:
    """A plan in sentences."""
    return [
        msg(
            "plan: {updates} updates of {clips} clips ({epochs:.1f} passes over the clips), peak learning rate {rate}, "
            "{warmup} updates of warm-up",
            updates=plan.updates,
            clips=plan.clips_per_update,
            epochs=plan.epochs,
            rate=shown_rates(plan.peak_learning_rates or {"": plan.peak_learning_rate}),
            warmup=plan.warmup,
        ),
        msg(
            "adapter: about {millions:.1f} M parameters ({size})",
            millions=plan.adapter_parameters / 1e6,
            size=size_text(4 * plan.adapter_parameters),
        ),
        *(
            msg(
                "memory on a {device} ({precision}): about {size} ({parts})",
                device=device.device,
                precision=device.precision,
                size=size_text(device.memory_bytes),
                parts=_parts(device.memory),
            )
            for device in plan.devices
        ),
        msg("disk: about {size} ({parts})", size=size_text(plan.disk_bytes), parts=_parts(plan.disk)),
        *(
            msg(
                "time of `tunesmith run` on a {device}: about {time} ({parts}), assuming {speed}",
                device=device.device,
                time=duration(device.total_seconds),
                parts=_times(device.seconds),
                speed=device.assumes,
            )
            for device in plan.devices
        ),
    ]


def duration(seconds: float) -> Message:
    """A length of time in the unit that suits it: seconds, minutes, hours or days."""
    if seconds < 90:
        return msg("{seconds:.0f} s", seconds=seconds)
    if seconds < 5400:
        return msg("{minutes:.0f} min", minutes=seconds / 60)
    if seconds < 172_800:
        return msg("{hours:.1f} h", hours=seconds / 3600)
    return msg("{days:.1f} days", days=seconds / 86_400)


def size_text(amount: float) -> str:
    """A number of bytes as MB, or GB from one on."""
    return f"{amount / 1e9:.1f} GB" if amount >= 1e9 else f"{amount / 1e6:.0f} MB"


def _parts(parts: Mapping[str, float]) -> tuple[Message, ...]:
    return tuple(
        msg("{part} {size}", part=_PARTS.get(name, name), size=size_text(amount)) for name, amount in parts.items()
    )


def _times(parts: Mapping[str, float]) -> tuple[Message, ...]:
    return tuple(
        msg("{part} {time}", part=_PARTS.get(name, name), time=duration(seconds)) for name, seconds in parts.items()
    )
