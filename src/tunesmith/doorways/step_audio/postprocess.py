"""After training: one held-out sample spoken by the base and by what was trained, and the whole model for others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

from tunesmith.data.sample import PROMPT, PROMPT_TEXT, Sample, edit_type, read_manifest
from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.config import FLOW, LLM
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder
from tunesmith.texts import Message, all_of, msg

if TYPE_CHECKING:
    import numpy as np

    from tunesmith.doorways.step_audio.tts import StepAudioTTS

SAMPLES, MERGED = "samples", "merged"
"""Folders in the run's."""


def best_files(folder: RunFolder) -> dict[str, Path]:
    """The best checkpoint file of each network that has one."""
    files = {name: folder.path / f"{name}_best.pt" for name in (LLM, FLOW)}
    return {name: file for name, file in files.items() if file.is_file()}


def compare(context: RunContext) -> list[Path]:
    """Speak one held-out sample with base and tuned weights into ``samples/``, measure both and say so.

    Raises:
        TunesmithError: when nothing was trained yet, or a checkpoint does not fit the base.
    """
    from tunesmith.doorways.step_audio.tts import StepAudioTTS

    family = context.family
    folder, files = context.folder, best_files(context.folder)
    if not files or not folder.manifest.exists():
        raise TunesmithError(
            msg("nothing was trained here yet"),
            where=str(folder.path),
            remedy=msg("Run the same command without --test."),
        )
    sample = chosen(folder)
    speaker = StepAudioTTS.of(family, context.recipe.model.device, context.console)
    context.console.log(msg("speaking a sample ({id}): {request}", id=sample.id, request=_request(sample)))
    spoken = {"base": _spoken(speaker, sample)}
    speaker.load_finetuned_model(files.get(LLM), files.get(FLOW))
    spoken["tuned"] = _spoken(speaker, sample)
    return _written(context, spoken)


def chosen(folder: RunFolder) -> Sample:
    """A held-out sample, a clone if there is one; without any, one that was trained on."""
    from tunesmith.prompting.spoken import by_turns

    samples = [sample for sample in read_manifest(folder.manifest) if PROMPT in sample.audios]
    if not samples:
        raise TunesmithError(
            msg("no sample brings the recording of a voice"),
            where=str(folder.manifest),
            remedy=msg("Give prompt_audio_path."),
        )
    return by_turns([sample for sample in samples if sample.split == "valid"] or samples, 1)[0]


def _request(sample: Sample) -> str | Message:
    text = sample.texts.get("caption", "")
    kind = edit_type(sample.attributes)
    if not text and kind == "clone":
        return msg("it has no text, so the recording's own codes are made into sound again")
    request = f"{kind} {text!r}"
    if sample.split == "valid":
        return request
    return msg("{request}, trained on, since none is held out", request=request)


def _spoken(speaker: StepAudioTTS, sample: Sample) -> tuple[np.ndarray, int]:
    """The sample as the speaker says it, (C, N), and the rate in Hz."""
    from tunesmith.families.step_audio.edits import is_clone

    path, prompt_text = sample.audios[PROMPT].path, sample.texts.get(PROMPT_TEXT, "")
    kind, info, text = edit_type(sample.attributes), sample.attributes.get("edit_info"), sample.texts.get("caption", "")
    if is_clone(kind):
        audio, rate = speaker.clone(path, prompt_text, text)
    else:
        audio, rate = speaker.edit(path, prompt_text, kind, info, text or None)
    return audio.numpy(), rate


def _written(context: RunContext, spoken: Mapping[str, tuple[np.ndarray, int]]) -> list[Path]:
    """Write the pair at one level, and say how each file sounds."""
    from tunesmith.evaluation.collapse import collapse
    from tunesmith.evaluation.outputs import gain_message, shared_gain, write_output

    gain = shared_gain(*(audio for audio, _ in spoken.values()))
    targets = []
    for name, (audio, rate) in spoken.items():
        target = context.folder.path / SAMPLES / f"{name}.wav"
        output = write_output(target, audio, rate, gain)
        problem = collapse(output.measure(), profile="speech")
        context.console.log(_measured(target, output.audio.shape[-1] / rate, level(output.audio), problem))
        if said := gain_message(gain):
            context.console.log(msg("  {file} is {said}.", file=target.name, said=said))
        targets.append(target)
    return targets


def _measured(path: Path, seconds: float, level_db: float, problem: str | None) -> Message:
    values = {"path": str(path), "seconds": seconds, "level": level_db}
    if problem:
        return msg("  {path}  {seconds:.1f} s, level {level:.1f} dBFS  ({problem})", problem=problem, **values)
    return msg("  {path}  {seconds:.1f} s, level {level:.1f} dBFS", **values)


def level(audio: object) -> float:
    """RMS level in dB under full scale; -120 for silence."""
    import numpy as np

    return float(10 * np.log10(np.mean(np.square(np.asarray(audio, np.float64))) + 1e-12))


def merge(context: RunContext) -> Path:
    """Write base and best checkpoints as one model, for vLLM or as a new base; of the flow alone, its folder."""
    from tunesmith.adapters.attach import unwrap_peft
    from tunesmith.families.step_audio.checkpoint import StepAudioCheckpoint
    from tunesmith.families.step_audio.checkpoints import load_checkpoint
    from tunesmith.families.step_audio.config import FLOW_FOLDER
    from tunesmith.families.step_audio.export import export_flow
    from tunesmith.files import atomic_folder

    family, files = context.family, best_files(context.folder)
    networks = family.networks.load()
    for name, file in files.items():
        networks[name] = load_checkpoint(name, networks[name], file, family.card.base_name).network
    target = context.folder.path / MERGED
    with atomic_folder(target) as temporary:
        if LLM in files:
            family.adapters.export_merged(networks, temporary)
        else:
            checkpoint = cast(StepAudioCheckpoint, family.checkpoint)
            export_flow(unwrap_peft(networks[FLOW]), checkpoint.flow_folder, temporary / FLOW_FOLDER)
    context.console.log(msg("whole model with {parts} inside: {path}", parts=all_of(list(files)), path=str(target)))
    return target
