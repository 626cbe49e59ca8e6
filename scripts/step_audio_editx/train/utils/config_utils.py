"""A doorway into Tunesmith: see train/README.md."""

from tunesmith.doorways.step_audio.config import read_config as load_yaml_config
from tunesmith.doorways.step_audio.guide_models import load_and_validate_config

__all__ = ["load_and_validate_config", "load_yaml_config"]
