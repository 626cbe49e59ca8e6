"""What Step-Audio-EditX asks of pairs, adds to them, and measures speech with."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tunesmith.data.augmented import Augmented
from tunesmith.data.sample import Sample
from tunesmith.families.contract import Checks
from tunesmith.families.step_audio.checkpoint import StepAudioCheckpoint
from tunesmith.families.step_audio.config import TOKENIZER_RATE
from tunesmith.families.step_audio.pair_checks import request_notes
from tunesmith.families.step_audio.text_checks import validate_samples
from tunesmith.speech.tools import SpeechTools
from tunesmith.texts import Message

if TYPE_CHECKING:
    from tunesmith.speech.transcribe import Transcriber


class StepAudioChecks(Checks):
    """Edits that the model knows; voice prompts and transcripts that clips lack."""

    def __init__(self, checkpoint: StepAudioCheckpoint) -> None:
        self.checkpoint = checkpoint

    def validate_samples(self, samples: Sequence[Sample]) -> None:
        """Refuse edits that the model does not know."""
        validate_samples(samples)

    def suited_options(self, samples: Sequence[Sample]) -> Mapping[str, tuple[Any, str]]:
        """The LLM alone where nothing has a recording that the flow could learn from."""
        if samples and all(sample.target is None for sample in samples):
            return {"train": ("llm", "the list has audio tokens and no target audio, and the flow learns from audio")}
        return {}

    def add_prompts(self, samples: Sequence[Sample], seed: int, warned: Collection[str] = ()) -> Augmented:
        """Transcripts where they are missing and Whisper is there, and a voice prompt for every sample."""
        from tunesmith.families.step_audio.complete import complete

        return complete(
            samples,
            seed,
            warned=warned,
            networks=frozenset(self.checkpoint.trained),
            ids=self.checkpoint.ids,
            find=self._transcriber,
            language=self.checkpoint.settings.language or None,
        )

    def _transcriber(self) -> Transcriber | None:
        """The user's Whisper, else one that is here and knows the language: weights for English alone only English."""
        from tunesmith.speech.transcribe import transcriber

        settings = self.checkpoint.settings
        found = transcriber(settings.whisper or None)
        return found if found is None or settings.whisper or found.knows(settings.language) else None

    def request_notes(self, kind: str, text: str, source_seconds: float | None) -> list[Message]:
        """A recording that is too long to follow, and tags that stand for no sound."""
        return list(request_notes(kind, text, source_seconds))

    def speech_tools(self) -> SpeechTools | None:
        """CAM++ where it is installed, and the user's Whisper."""
        from tunesmith.families.step_audio.voices import speaker_tool

        here = self.checkpoint.here
        tool = (
            speaker_tool(self.checkpoint.folder, self.checkpoint.flow_folder, self.checkpoint.configs[1].spk_embed_dim)
            if here
            else None
        )
        voice, name = tool if tool else (None, "")
        whisper, language = self.checkpoint.settings.whisper or None, self.checkpoint.settings.language or None
        return SpeechTools(voice, name, whisper, language, lowest_rate=TOKENIZER_RATE)
