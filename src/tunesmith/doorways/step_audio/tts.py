"""``tts.py``: cloning and editing by the names and arguments of Step-Audio-EditX, over Tunesmith's own generator."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunesmith.doorways.step_audio.loading import MOST_IDS, loading
from tunesmith.doorways.step_audio.model_loader import ModelSource, locate_model, refuse_incomplete, source_of
from tunesmith.doorways.step_audio.spoken_arguments import either, longest_answer
from tunesmith.doorways.step_audio.tokenizer import StepAudioTokenizer
from tunesmith.errors import TunesmithError
from tunesmith.run.console import Console
from tunesmith.texts import Message, msg

if TYPE_CHECKING:
    import torch
    from torch import nn

    from tunesmith.families.contract import Family, GenerationRequest, Generator

SEED = 1234


class StepAudioTTS:
    """Speaks with the base model, or with what was fine-tuned.

    It takes every argument that Step-Audio-EditX's class took in its transformers or its vLLM release. What has no
    meaning here is said, once, when it is given.

    Args:
        model_path: Folder or repository of Step-Audio-EditX, or ``pocket``.
        audio_tokenizer: Where its tokenisers lie.
        model_source: Where to look for the model, as a member of :class:`ModelSource` or its word.
        tts_model_id: What to load in place of ``model_path``.
        quantization_config: ``int8`` or ``int4``: how the LLM's matrices are kept in memory.
        torch_dtype: Precision of the LLM on a GPU.
        device_map: Where to work: ``cuda``, ``cuda:1``, ``cpu``, ``auto``.
        device: The same by Tunesmith's name.
        seed: Of every call: the same words sound the same again.
        vllm: The further arguments of the vLLM release (:data:`~tunesmith.doorways.step_audio.loading.VLLM`).

    Raises:
        TunesmithError: naming what is missing, or an argument that cannot be done.
    """

    def __init__(  # noqa: PLR0913 - these are upstream's
        self,
        model_path: str | Path,
        audio_tokenizer: StepAudioTokenizer,
        model_source: ModelSource | str = ModelSource.AUTO,
        tts_model_id: str | Path | None = None,
        quantization_config: str | None = None,
        torch_dtype: Any = None,
        device_map: Any = None,
        *,
        device: str | None = None,
        seed: int = SEED,
        **vllm: Any,
    ) -> None:
        from tunesmith.families.step_audio.config import FLOW_FOLDER
        from tunesmith.families.step_audio.family import STEP_AUDIO
        from tunesmith.families.step_audio.settings import StepAudioSettings

        asked = loading(quantization_config, torch_dtype, device_map, device, vllm)
        path = locate_model(model_path if tts_model_id is None else tts_model_id, source_of(model_source))
        if Path(path).is_dir():
            refuse_incomplete(Path(path), Path(path) / FLOW_FOLDER)
        settings = StepAudioSettings(tokenizer_path=audio_tokenizer.path, base_weights=asked.base_weights)
        self.longest = asked.longest
        self._begin(STEP_AUDIO.open(path, settings), asked.device, seed, precision=asked.precision)
        for note in asked.notes:
            self.console.log(note)

    @classmethod
    def of(cls, family: Family, device: str = "auto", console: Console | None = None) -> StepAudioTTS:
        """One over a family that a run has made already."""
        made = cls.__new__(cls)
        made.longest = MOST_IDS
        made._begin(family, device, SEED, console)
        return made

    def _begin(
        self,
        family: Family,
        device: str,
        seed: int,
        console: Console | None = None,
        precision: Mapping[str, torch.dtype] | None = None,
    ) -> None:
        from tunesmith.run.device import pick_device

        self.family, self.seed, self.console = family, seed, console or Console()
        self.precision = precision or {}
        self.device = pick_device(device)
        self.networks: dict[str, nn.Module] = {}
        self._take(family.networks.load(), ())

    def _bases(self, names: Collection[str]) -> dict[str, nn.Module]:
        """On the CPU, these networks as the base's files have them, and those that must be the base's again."""
        from tunesmith.families.step_audio.config import FLOW, LLM

        return self.family.networks.load([name for name in (LLM, FLOW) if name in names or name in self._tuned])

    def _take(self, networks: Mapping[str, nn.Module], tuned: Collection[str]) -> None:
        """Speak with these networks, and for the rest with those that are here.

        A card that holds one model need not hold two: what is replaced leaves it before the new ones arrive.

        Args:
            networks: By name, on the CPU.
            tuned: Which of them are not the base's.
        """
        import gc

        import torch

        from tunesmith.run.adapted import on_device

        networks = {**self.networks, **networks}
        self.networks = {}
        self.__dict__.pop("_generator", None)
        gc.collect()  # an adapter and what it wraps refer to each other
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()
        self.networks = on_device(networks, self.device, self.family.networks.full_precision)
        if self.device != "cpu":  # which always works in float32
            for name, precision in self.precision.items():
                self.networks[name].to(precision)
        self._tuned = frozenset(tuned)
        self._generator: Generator = self.family.generation.generator(self.networks, self.device)

    # --- what was fine-tuned ----------------------------------------------------------------------------------------

    def load_finetuned_model(
        self, llm_ckpt_path: str | Path | None = None, flow_ckpt_path: str | Path | None = None
    ) -> None:
        """Speak with fine-tuned weights from here on; a network without a checkpoint is the base's.

        Args:
            llm_ckpt_path: ``llm_best.pt``, ``llm_epoch_N.pt``, or a state dict of another trainer.
            flow_ckpt_path: The same of the flow.

        Raises:
            TunesmithError: when one does not fit; everything is then as it was.
        """
        from tunesmith.families.step_audio.checkpoints import load_checkpoint
        from tunesmith.families.step_audio.config import FLOW, LLM

        paths = {name: Path(path) for name, path in ((LLM, llm_ckpt_path), (FLOW, flow_ckpt_path)) if path}
        if not paths:
            raise TunesmithError(
                msg("no checkpoint was named"), remedy=msg("Give llm_ckpt_path, flow_ckpt_path or both.")
            )
        networks = self._bases(paths)
        notes: list[str | Message] = []
        for name, path in paths.items():
            loaded = load_checkpoint(name, networks[name], path, self.family.card.base_name)
            networks[name] = loaded.network
            notes += [*loaded.notes, f"{name}: {path}"]
        self._take(networks, paths)
        for note in notes:
            self.console.log(note)

    def load_adapter(self, folder: str | Path) -> None:
        """Speak with the adapter of a Tunesmith run from here on (``best_model/``).

        Raises:
            TunesmithError: when it is of a base of other sizes, or is none; everything is then as it was.
        """
        from tunesmith.families.step_audio.checkpoints import load_parts, parts_of

        folder = Path(folder)
        tuned = parts_of(folder)
        networks, notes = load_parts(self._bases(tuned), folder, self.family.card.base_name)
        self._take(networks, tuned)
        for note in notes:
            self.console.log(note)

    # --- speaking ---------------------------------------------------------------------------------------------------

    def clone(self, prompt_wav_path: str | Path, prompt_text: str, target_text: str) -> tuple[torch.Tensor, int]:
        """Say a text in the voice of a recording.

        Args:
            prompt_wav_path: The recording.
            prompt_text: What it says.
            target_text: What to say. Empty: the recording's own codes are made into sound again.

        Returns:
            Sound (1, N) float32, and its rate, 24000.

        Raises:
            TunesmithError: when the recording cannot be read, has less than 16 kHz or no speech in it, or leaves no
                room for an answer.
        """
        from tunesmith.families.step_audio.edits import CLONE

        return self._speak(prompt_wav_path, prompt_text, CLONE, None, target_text)

    def edit(
        self,
        prompt_wav_path: str | Path | None = None,
        prompt_text: str | None = None,
        edit_type: str | None = None,
        edit_info: str | None = None,
        target_text: str | None = None,
        *,
        input_audio_path: str | Path | None = None,
        audio_text: str | None = None,
        text: str | None = None,
    ) -> tuple[torch.Tensor, int]:
        """Edit a recording.

        Args:
            prompt_wav_path: The recording; once called ``input_audio_path``.
            prompt_text: What it says; once called ``audio_text``. ``denoise`` and ``vad`` need none.
            edit_type: ``emotion``, ``style``, ``speed``, ``denoise``, ``vad`` or ``paralinguistic``.
            edit_info: What to change it to, where the type takes one.
            target_text: The text with tags such as ``[Laughter]`` (``paralinguistic``); once called ``text``.
            input_audio_path: See ``prompt_wav_path``.
            audio_text: See ``prompt_text``.
            text: See ``target_text``.

        Returns:
            Sound (1, N) float32, and its rate, 24000.

        Raises:
            TunesmithError: when an argument is given by both names or by neither, the edit does not exist, or the
                recording is none that :meth:`clone` takes.
        """
        from tunesmith.families.step_audio.edits import WORDLESS

        path = either("prompt_wav_path", prompt_wav_path, "input_audio_path", input_audio_path)
        wordless = edit_type in WORDLESS
        source_text = either("prompt_text", prompt_text, "audio_text", audio_text, needed=not wordless) or ""
        if edit_type is None:
            raise TunesmithError(msg("edit() was given no edit_type"), remedy=msg("Name one, such as `style`."))
        wanted_text = either("target_text", target_text, "text", text, needed=False)
        return self._speak(path, source_text, edit_type, edit_info, wanted_text or source_text)

    def _speak(self, path: Any, prompt_text: str, kind: str, info: str | None, text: str) -> tuple[torch.Tensor, int]:
        import torch

        from tunesmith.data.load import load
        from tunesmith.data.sample import PROMPT, PROMPT_TEXT, AudioRef
        from tunesmith.families.contract import GenerationRequest
        from tunesmith.families.step_audio.config import SAMPLE_RATE, TOKENIZER_RATE

        recording = load(AudioRef(str(path)), SAMPLE_RATE, 1, lowest_rate=TOKENIZER_RATE)
        for note in self.family.checks.request_notes(kind, text, recording.shape[-1] / SAMPLE_RATE):
            self.console.warn(note)
        request = GenerationRequest(
            {"caption": text, PROMPT_TEXT: prompt_text},
            longest_answer(recording, prompt_text, kind, text),
            self.seed,
            source={PROMPT: recording},
            options={"edit_type": kind, **({"edit_info": info} if info else {})},
        )
        request = replace(request, seconds=min(request.seconds, self._room(request)))
        (made,) = self._generator.generate([request])
        return torch.from_numpy(made.audio.copy()), made.sample_rate

    def _room(self, request: GenerationRequest) -> float:
        """Seconds of an answer that fit behind its prompt.

        Raises:
            TunesmithError: when none does.
        """
        from tunesmith.families.step_audio.config import GROUP, GROUP_SECONDS
        from tunesmith.families.step_audio.generate import StepAudioGenerator

        assert isinstance(self._generator, StepAudioGenerator), "the family's own"
        used = self._generator.prompt_length(request)
        if (groups := (self.longest - used - 1) // GROUP) < 1:
            raise TunesmithError(
                msg(
                    "recording and texts take {used} ids, and the model has room for {most}",
                    used=used,
                    most=self.longest,
                ),
                remedy=msg("Use a shorter recording, or raise max_model_len."),
            )
        return groups * GROUP_SECONDS
