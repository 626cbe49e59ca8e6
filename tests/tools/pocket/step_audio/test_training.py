from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tools.pocket.pretraining import PretrainPlan, Trained
from tools.pocket.step_audio import flow_pretrain as painting
from tools.pocket.step_audio import language
from tools.pocket.step_audio.corpus import SpeechClip, SpeechCorpus, load_corpus, save_corpus
from tools.pocket.step_audio.edits import EDITS
from tools.pocket.step_audio.flow_data import Canvas, FlowDraws, Scenes
from tools.pocket.step_audio.flow_data import batch as flow_batch
from tools.pocket.step_audio.flow_pretrain import flow_loss, held_out_flow, make_flow, mean_mel, pretrain_flow
from tools.pocket.step_audio.language import held_out, make_language_model, mean_loss, pretrain_language_model
from tools.pocket.step_audio.samples import PROMPT_WEIGHT, Samples, batch
from tools.pocket.step_audio.text_tokenizer import make_text_tokeniser, token_ids
from tunesmith.families.step_audio.text_tokenizer import JsonText

GROUPS = 3


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "num_attention_groups": 1,
             "intermediate_size": 48}  # fmt: skip
    monkeypatch.setattr(language, "SIZES", sizes)
    monkeypatch.setattr(language, "ROWS", 4)
    monkeypatch.setattr(painting, "ROWS", 4)
    monkeypatch.setattr(painting, "WIDTH", 16)


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> JsonText:
    tokeniser = make_text_tokeniser()
    path = tmp_path_factory.mktemp("text") / "tokenizer.json"
    tokeniser.save(str(path))
    return JsonText(path, token_ids(tokeniser))


def clip(number: int, edit: int) -> SpeechClip:
    """A word is one code of each tokeniser, so that text tells audio."""
    words = ("boats", "birds", "trains")
    code = number % len(words)
    mel = torch.full((80, 6 * GROUPS), -5.0 + 2.0 * code).half()
    vq02, vq06 = (torch.full((size * GROUPS,), code, dtype=torch.int16) for size in (2, 3))
    return SpeechClip(words[code], f"voice {number // 6 % 2}", edit, vq02, vq06, mel, torch.ones(192).half())


@pytest.fixture
def corpus() -> SpeechCorpus:
    return SpeechCorpus([clip(n, -1) for n in range(24)], [clip(n, n % len(EDITS)) for n in range(24)])


def quiet(used: Trained, done: float) -> None:
    pass


def test_only_audio_counts_and_the_answer_with_its_end_most(corpus: SpeechCorpus, text: JsonText) -> None:
    samples = Samples(corpus, text, text.ids)
    sample = samples.clone(corpus.plain[0], corpus.plain[1])
    answer = 5 * GROUPS + 1
    assert sample.ids[-1] == text.ids.eot
    assert sample.weights[-answer:] == [1.0] * answer
    heard = [one >= text.ids.audio_base for one in sample.ids[:-answer]]
    assert sample.weights[:-answer] == [PROMPT_WEIGHT if one else 0.0 for one in heard]
    assert sum(heard) == 5 * GROUPS
    for number, edit in enumerate(EDITS):
        pair = samples.edit(corpus.plain[number], corpus.other[number])
        assert (sum(pair.weights) == answer) == edit.spoilt  # no text tells what a spoilt source holds


def test_a_spoilt_clip_is_the_source_and_a_styled_one_the_target(corpus: SpeechCorpus, text: JsonText) -> None:
    samples = Samples(corpus, text, text.ids)
    for edit in EDITS:
        plain, other = clip(0, -1), clip(1, EDITS.index(edit))
        ids = samples.edit(plain, other).ids
        target = plain if edit.spoilt else other
        assert ids[-5 * GROUPS - 1 : -1] == samples.audio(target)


def test_batches_are_drawn_by_number_and_half_are_edits(corpus: SpeechCorpus, text: JsonText) -> None:
    samples = Samples(corpus, text, text.ids)
    first, again, other = (batch(samples, 4, 0, number)[0] for number in (3, 3, 4))
    assert torch.equal(first, again)
    assert first.shape != other.shape or not torch.equal(first, other)
    edit_system = text.encode(" system\nAs")[0]
    rows = [row for number in range(16) for row in batch(samples, 8, 1, number)[0].tolist()]
    clone_system = samples.clone(corpus.plain[0], corpus.plain[1]).ids[2]
    assert edit_system != clone_system
    assert np.mean([row[2] != clone_system for row in rows]) == pytest.approx(0.5, abs=0.12)


def test_padding_changes_no_loss(corpus: SpeechCorpus, text: JsonText) -> None:
    model = make_language_model(text.ids, 0)
    ids, weights = batch(Samples(corpus, text, text.ids), 4, 0, 0)
    more = torch.nn.functional.pad
    with torch.no_grad():
        torch.testing.assert_close(mean_loss(model, more(ids, (0, 7)), more(weights, (0, 7))),
                                   mean_loss(model, ids, weights))  # fmt: skip


def test_the_language_model_learns_what_a_word_sounds_like(
    corpus: SpeechCorpus, text: JsonText, tmp_path: Path
) -> None:
    samples, model = Samples(corpus, text, text.ids), make_language_model(text.ids, 0)
    asked = [samples.clone(corpus.plain[n], corpus.plain[n + 1]) for n in range(3)]
    before = held_out(model, asked)
    used = pretrain_language_model(
        model, samples, PretrainPlan(updates=150), seed=0, state=tmp_path / "s.pt", report=quiet
    )
    after = held_out(model, asked)
    assert used.updates == 150
    assert after[0] < 0.3 * before[0]
    assert after[1] > before[1]


def test_an_interrupted_training_ends_as_an_unbroken_one(corpus: SpeechCorpus, text: JsonText, tmp_path: Path) -> None:
    samples = Samples(corpus, text, text.ids)

    def stop(used: Trained, done: float) -> None:
        if used.updates == 2:
            raise KeyboardInterrupt

    def trained(state: Path, report: object = quiet) -> dict[str, torch.Tensor]:
        model = make_language_model(text.ids, 0)
        pretrain_language_model(model, samples, PretrainPlan(updates=4), seed=0, state=state, report=report)  # type: ignore[arg-type]
        return model.state_dict()

    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "broken.pt", stop)
    resumed, straight = trained(tmp_path / "broken.pt"), trained(tmp_path / "whole.pt")
    assert all(torch.equal(resumed[name], straight[name]) for name in straight)


def test_the_flow_s_loss_is_the_error_of_the_velocity_on_unknown_frames(corpus: SpeechCorpus, text: JsonText) -> None:
    scenes = Scenes(corpus, text.ids)
    flow = make_flow(text.ids, mean_mel(corpus), 0).eval()
    canvas, rngs = flow_batch(scenes, 4, 0, 0)
    with torch.no_grad():
        loss = flow_loss(flow, canvas, rngs)
        wanted = []
        for row in range(4):
            one = Canvas(*(value[row : row + 1] for value in vars(canvas).values()))
            drawn = FlowDraws(*(value[row : row + 1] for value in vars(rngs).values()))
            known = canvas.known[row] if drawn.prompted and drawn.kept else 0
            frames = 2 * int(canvas.lengths[row]) - int(known)
            wanted.append((float(flow_loss(flow, one, drawn)), frames))
    total = sum(frames for _, frames in wanted)
    assert float(loss) == pytest.approx(sum(value * frames for value, frames in wanted) / total, rel=1e-4)


def test_the_flow_begins_at_the_mean_and_learns_the_codes(corpus: SpeechCorpus, text: JsonText, tmp_path: Path) -> None:
    scenes = Scenes(corpus, text.ids)
    flow = make_flow(text.ids, mean_mel(corpus), 0)
    asked = [scenes.scene(corpus.plain[n], corpus.plain[n + 1]) for n in range(3)]
    before = held_out_flow(flow, asked)
    assert before < 8  # a mean of zero would cost more than 20
    pretrain_flow(flow, scenes, PretrainPlan(updates=30), seed=0, state=tmp_path / "s.pt", report=quiet)
    assert held_out_flow(flow, asked) < 0.9 * before


def test_corpus_survives_its_file(corpus: SpeechCorpus, tmp_path: Path) -> None:
    corpus.plain[0].mel = None
    save_corpus(corpus, tmp_path / "m.pt")
    again = load_corpus(tmp_path / "m.pt")
    assert again.plain[0].mel is None
    assert again.plain[0].text == corpus.plain[0].text
    assert torch.equal(again.other[5].vq06, corpus.other[5].vq06)
