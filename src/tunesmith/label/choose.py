"""The provider that the user asks for; flags that do not belong to it are refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from tunesmith.errors import TunesmithError
from tunesmith.label.provider import ListeningModel
from tunesmith.texts import msg

Provider = Literal["measured", "endpoint", "qwen-omni"]
Dialect = Literal["openai", "dashscope"]

QWEN = "Qwen/Qwen2.5-Omni-7B"


def choose(
    provider: Provider,
    model: str | None = None,
    base_url: str | None = None,
    dialect: Dialect | None = None,
    prompt: Path | None = None,
    timeout_s: float | None = None,
    parallel: int | None = None,
) -> ListeningModel | None:
    """The listener of a provider; ``None`` for measuring alone. Nothing is loaded or called yet.

    Args:
        provider: Its name.
        model: Hub id, folder, or the server's name for it.
        base_url: The server.
        dialect: How the server takes audio.
        prompt: The user's own instruction, of no use without a model.
        timeout_s: How long the server may take for one answer.
        parallel: How many requests the server gets at once; only looked at here.

    Raises:
        TunesmithError: for a flag that is missing, or that this provider has no use for.
    """
    if provider != "endpoint":
        _refuse(
            provider, {"--base-url": base_url, "--dialect": dialect, "--timeout": timeout_s, "--parallel": parallel}
        )
    if provider == "measured":
        _refuse(provider, {"--model": model, "--prompt": prompt})
        return None
    if provider == "qwen-omni":
        from tunesmith.label.qwen_omni import QwenOmni

        return QwenOmni(model or QWEN)
    if not base_url:
        remedy = msg("Give the server's address, such as http://localhost:8000/v1.")
        raise TunesmithError(msg("the provider `endpoint` needs a server"), where="--base-url", remedy=remedy)
    if not model:
        remedy = msg("Name a model of that server which takes audio.")
        raise TunesmithError(msg("the provider `endpoint` needs a model"), where="--model", remedy=remedy)
    from tunesmith.label.endpoint import TIMEOUT_S, Endpoint

    return Endpoint(model, base_url, dialect or "openai", timeout_s or TIMEOUT_S)


def _refuse(provider: str, flags: Mapping[str, object]) -> None:
    for flag, value in flags.items():
        if value is not None:
            remedy = msg("Leave it out, or choose another provider with --provider.")
            raise TunesmithError(
                msg("the provider `{provider}` has no use for it", provider=provider), where=flag, remedy=remedy
            )
