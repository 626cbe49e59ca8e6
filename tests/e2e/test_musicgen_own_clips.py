"""A person's own music through the MusicGen guide, on a copy of the pocket model named by its path.

The commands are the guide's, in its order, with shorter audio; with ``-m slow`` they are typed as they stand there.
"""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from tests.e2e import test_musicgen_doorways as guides
from tunesmith.data.sample import AudioRef, Sample
from tunesmith.doorways.common import run_doorway
from tunesmith.doorways.musicgen import checks
from tunesmith.doorways.musicgen.dataset import MusicGenDataset, collate_fn, create_dataloader
from tunesmith.doorways.musicgen.evaluate import evaluate
from tunesmith.doorways.musicgen.inference_lora import inference_lora
from tunesmith.doorways.musicgen.prepare_data import prepare_data
from tunesmith.doorways.musicgen.train_lora import train_lora
from tunesmith.errors import TunesmithError
from tunesmith.families.musicgen.family import MUSICGEN
from tunesmith.pocket.shipped import pocket_path

COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "prepare_data.py": prepare_data,
    "train_lora.py": train_lora,
    "inference_lora.py": inference_lora,
    "evaluate.py": evaluate,
}
ROAD = (guides.PREPARE, guides.TRAIN, guides.INFER, guides.INFER_BATCH, guides.EVALUATE, guides.EVALUATE_COMPARE)
SHORTER = {"--duration": "1", "--num_epochs": "1"}


def write_music(folder: Path, count: int = 10, rate: int = 44_100) -> None:
    """Stereo clips that no pocket model has heard: detuned chords, beats of noise, other lengths and tempos each."""
    folder.mkdir(parents=True)
    for number in range(count):
        rng = np.random.default_rng(number)
        t = np.arange(int((3.0 + 0.4 * number) * rate)) / rate
        tones = 55 * 2 ** (rng.integers(0, 40, 5) / 12)
        tempo = rng.uniform(1.5, 3.0)
        music = sum(np.sin(2 * np.pi * f * t + 3 * np.sin(2 * np.pi * rng.uniform(3, 7) * t)) for f in tones)
        music = music + 3.0 * rng.standard_normal(len(t)) * np.exp(-9.0 * ((t * tempo) % 1.0))
        left = 0.4 * music / np.abs(music).max()
        soundfile.write(folder / f"我的曲子 {number}.wav", np.stack([left, np.roll(left, 400)], 1), rate)


def short(command: str, values: dict[str, str]) -> list[str]:
    """A command's words, with other values for some of its flags."""
    words = shlex.split(command)
    for flag, value in values.items():
        if flag in words:
            words[words.index(flag) + 1] = value
    return words


@pytest.fixture(scope="module", params=["shorter", pytest.param("as typed", marks=pytest.mark.slow)])
def walked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """Where the road was walked, and the evaluation as it was before the base was compared with."""
    root = tmp_path_factory.mktemp("own")
    model = Path(shutil.copytree(pocket_path("musicgen"), root / "local" / "musicgen-small"))
    write_music(root / "audio")
    here = guides.working_directory(root / "musicgen")
    with (here / "config.yaml").open("a") as file:
        file.write("target_duration: 1\n")
    guide = guides.Guide(here, model, root / "audio")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        for command in ROAD:
            text = command.replace(guides.MODEL, str(model)).replace(guides.AUDIO, str(root / "audio"))
            _, script, *flags = short(text.replace("\\\n", " "), SHORTER)
            if request.param == "as typed":
                guide.type(command)
            else:
                assert run_doorway(COMMANDS[script], flags) == 0, command
            if command == guides.EVALUATE:
                shutil.copytree(here / "finetune/output/evaluation", root / "alone")
        yield here, root / "alone"


def record_of(evaluation: Path) -> dict:
    return json.loads((evaluation / "comparison_results.json").read_text(encoding="utf-8"))


def test_a_persons_own_clips_go_the_whole_road(walked: tuple[Path, Path]) -> None:
    here, _ = walked
    rows = json.loads((here / "finetune/data/metadata.json").read_text(encoding="utf-8"))
    assert len(rows) == 10 and {row["text"] for row in rows} == {"hip hop 808 beat"}
    output = here / "finetune" / "output"
    for name in ("best_model", "final_model"):
        assert (output / name / "adapter_model.safetensors").is_file()
    assert "license: apache-2.0" in (output / "final_model" / "README.md").read_text(encoding="utf-8")
    assert len(list((output / "generated").glob("*.wav"))) == 3
    compared = record_of(output / "evaluation")
    assert all((output / "evaluation" / prompt["base"]["file"]).is_file() for prompt in compared["prompts"])


def test_evaluation_without_compare_measures_the_adapter_on_ones_own_clips(walked: tuple[Path, Path]) -> None:
    _, alone = walked
    record = record_of(alone)
    held_out = [prompt for prompt in record["prompts"] if prompt["kind"] == "held_out"]
    assert {prompt["prompt"] for prompt in held_out} == {"hip hop 808 beat"}
    assert all((alone / prompt["lora"]["file"]).is_file() for prompt in record["prompts"])
    assert not (alone / "base_model").exists() and not any(prompt["base"] for prompt in record["prompts"])


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Three prepared clips and their list."""
    write_music(tmp_path / "audio", 3)
    flags = ["--input_dir", str(tmp_path / "audio"), "--output_dir", str(tmp_path / "data"), "--default_text", "waltz"]
    assert run_doorway(prepare_data, flags) == 0
    return tmp_path / "data"


def test_the_dataset_gives_what_the_codec_is_given(own: Path) -> None:
    family = MUSICGEN.open("pocket")
    card = family.card.facts()
    dataset = MusicGenDataset(own, sample_rate=card.sample_rate, channels=card.channels, max_duration=30.0)
    item, sample = dataset[1], dataset.samples[1]
    assert (item["text"], len(dataset)) == ("waltz", 3)
    with family.encoding.encoder() as encoder:
        from tunesmith.families.musicgen.frontend import audio_codes

        whole = Sample("x", {"audio": AudioRef(sample.audios["audio"].path)}, {"caption": item["text"]})
        codes = encoder.encode(whole, ["codes"])["codes"]
        assert np.array_equal(audio_codes(encoder.codec, family.checkpoint.config, item["audio"].numpy()), codes)


def test_a_batch_is_padded_at_its_end_and_says_where(own: Path) -> None:
    dataset = MusicGenDataset(own, max_duration=3.2)
    batch = next(iter(create_dataloader(dataset, 3)))
    lengths = [round(seconds * 32_000) for seconds in batch["seconds"]]
    assert max(lengths) == round(3.2 * 32_000) and batch["audio"].shape == (3, 1, max(lengths))
    assert batch["padding_mask"].sum(1).tolist() == lengths
    assert not batch["audio"][:, 0][~batch["padding_mask"]].any()
    alone = collate_fn([dataset[0]])
    assert torch.equal(alone["audio"][0], batch["audio"][0, :, : lengths[0]])
    assert {s.split or "train" for s in MusicGenDataset(own, split="train").samples} == {"train"}
    with pytest.raises(TunesmithError, match="there is no such metadata file"):
        MusicGenDataset(own, "other.json")


def test_the_check_of_the_clips_says_what_it_found(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--data_dir", str(own), "--model_path", "pocket"]
    assert run_doorway(checks.test_dataset, flags) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "3 clips usable" in said and "at 16000 Hz" in said and "captions: `waltz`, `waltz`" in said
    assert "Every clip can be used." in said
    rows = json.loads((own / "metadata.json").read_text(encoding="utf-8"))
    soundfile.write(own / rows[0]["audio"], np.zeros(64_000), 32_000)
    assert run_doorway(checks.test_dataset, flags) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert f"1 clips cannot be used ({rows[0]['audio']})" in said


def test_the_check_of_the_model_says_what_every_gate_found(
    own: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--data_dir", str(own), "--model_path"]
    assert run_doorway(checks.test_model, [*flags, str(pocket_path("musicgen"))]) == 0
    said = " ".join(capsys.readouterr().out.split())
    for name in ("base_loss", "layout", "train_equals_eval", "trained_frames", "warmup", "leakage"):
        assert f"gate {name}: " in said
    assert "The base model reads these clips; train_lora.py can begin." in said
    assert run_doorway(checks.test_model, [*flags, str(tiny)]) == 1
    assert "train_lora.py would stop at: base_loss" in " ".join(capsys.readouterr().out.split())


def test_the_files_of_the_guide_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(guides.REPOSITORY / "scripts" / "musicgen")
    for name in ("dataset", "test_dataset", "test_model"):
        sys.modules.pop(name, None)
    import dataset

    assert dataset.MusicGenDataset is MusicGenDataset
    monkeypatch.delitem(sys.modules, "dataset")
