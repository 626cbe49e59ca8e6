"""``tokenizer.py``: the audio tokenisers by the name and arguments that Step-Audio-EditX gives them."""

from __future__ import annotations

from pathlib import Path

from tunesmith.doorways.step_audio.model_loader import ModelSource, from_modelscope, tokenizer_folder


class StepAudioTokenizer:
    """Says where the audio tokenisers lie; :class:`StepAudioTTS` loads them when they are first needed.

    Args:
        encoder_path: Folder or repository of Step-Audio-Tokenizer, or of the model that has it inside or beside it.
        model_source: Where to look.

    Raises:
        TunesmithError: when there is no such folder.
    """

    def __init__(self, encoder_path: str | Path, model_source: ModelSource = ModelSource.AUTO) -> None:
        path = str(encoder_path)
        self.path = tokenizer_folder(from_modelscope(path) if model_source is ModelSource.MODELSCOPE else path)
