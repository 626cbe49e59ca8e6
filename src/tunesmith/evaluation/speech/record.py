"""What the comparison record says of speech beyond what it says of any audio."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tunesmith.data.prompt import Prompt
from tunesmith.data.sample import PROMPT
from tunesmith.ears.catalogue import DNSMOS
from tunesmith.evaluation.diagnosis import RunData
from tunesmith.evaluation.diagnosis.edit_type import edit_types
from tunesmith.evaluation.speech.edit_types import Compared
from tunesmith.evaluation.speech.measures import SpeechEvaluator
from tunesmith.families.contract import Family
from tunesmith.records.speech_comparison import EditTypeResult, MeasureResult, SpeechComparison
from tunesmith.speech import error_rate


def speech_record(run: RunData, evaluator: SpeechEvaluator, prompts: Sequence[Prompt]) -> SpeechComparison:
    """What it was measured with, and every edit type compared."""
    transcriber = evaluator.transcriber
    return SpeechComparison(
        transcriber=transcriber.name if transcriber else None,
        error_rate=error_rate.name_of([p.text for p in prompts]) if transcriber else None,
        voice=evaluator.voice.name,
        quality=DNSMOS.title if evaluator.quality else None,
        edit_types=tuple(
            EditTypeResult(
                edit_type=edit_type.name,
                outputs=edit_type.outputs,
                judgement=edit_type.judgement,
                measures=tuple(_measure(compared) for compared in edit_type.compared),
            )
            for edit_type in edit_types(run)
        ),
    )


def _measure(compared: Compared) -> MeasureResult:
    return MeasureResult(
        name=compared.name,
        title=compared.title,
        unit=compared.unit,
        base=compared.base,
        adapter=compared.adapter,
        reference=compared.reference,
        difference=compared.adapter - compared.base,
        low=compared.difference.low,
        high=compared.difference.high,
        pairs=compared.difference.n,
        judgement=compared.judgement,
    )


def write_asked(family: Family, prompts: Sequence[Prompt], target: Path) -> list[dict[str, Any]]:
    """Write the prompts' audio; returns what each prompt asks for beside its text."""
    from tunesmith.audio.write import write
    from tunesmith.prompting.spoken import recording

    files: dict[str, str] = {}
    asked = []
    for prompt in prompts:
        voice = prompt.voice
        if voice is not None and voice.id not in files:
            path = target / "prompt" / f"{len(files):02d}.wav"
            write(path, recording(voice.audios[PROMPT], family), family.card.facts().sample_rate)
            files[voice.id] = path.relative_to(target).as_posix()
        asked.append(
            {
                "edit_type": prompt.edit_type,
                "edit_info": prompt.edit.get("edit_info"),
                "source": files.get(voice.id) if voice else None,
            }
        )
    return asked
