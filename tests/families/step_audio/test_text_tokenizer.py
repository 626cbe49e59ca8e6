"""The text tokenisers: a small sentencepiece model trained here, and a small byte-level one."""

from __future__ import annotations

import sys

import pytest

from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.config import TokenIds
from tunesmith.families.step_audio.prompts import chat, clone_turns, edit_turns
from tunesmith.families.step_audio.text_tokenizer import JsonText, SentencePieceText, load_text

CORPUS = ["hello there assistant", "human speaks slowly", "make the audio more happy", "the timbre of a system"] * 30
ROUND = ["hello there", " hello", "two  spaces", "line\nbreak\n", "\n\nafter", "你好 naïve 😀", "<audio_1", "x", " "]


def model_file(folder, kind: str):
    import sentencepiece

    folder.mkdir(exist_ok=True)
    with (folder / "tokenizer.model").open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(CORPUS),
            model_writer=file,
            vocab_size=330,
            model_type=kind,
            byte_fallback=True,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            control_symbols=["<|EOT|>", "<|BOT|>"],
            hard_vocab_limit=False,
            minloglevel=2,
        )
    return folder / "tokenizer.model"


@pytest.fixture(scope="module")
def unigram(tmp_path_factory):
    return model_file(tmp_path_factory.mktemp("text") / "unigram", "unigram")


@pytest.fixture(scope="module")
def ids():
    return TokenIds(audio_base=400, vq02=8, vq06=20)


@pytest.fixture(scope="module")
def text(unigram, ids):
    return SentencePieceText(unigram, ids)


@pytest.fixture(scope="module")
def json_file(tmp_path_factory):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<unk>", "<s>", "</s>", "<|EOT|>", "<|BOT|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=special, initial_alphabet=alphabet)
    tokenizer.train_from_iterator(CORPUS, trainer)
    file = tmp_path_factory.mktemp("json") / "tokenizer.json"
    tokenizer.save(str(file))
    return file


def pieces(text: SentencePieceText, what: str, *, dummy_prefix: bool = True) -> list[str]:
    return [text.model.id_to_piece(one) for one in text.encode(what, dummy_prefix=dummy_prefix)]


def test_a_leading_space_before_text_but_not_after_control_tokens(text, ids):
    assert pieces(text, "the") == pieces(text, " the", dummy_prefix=False)
    assert "".join(pieces(text, "the")) == "▁the"
    assert "".join(pieces(text, "the", dummy_prefix=False)) == "the"
    known_row = text.encode("<s><|BOT|> assistant\n<audio_1><|EOT|>")
    byte = text.model.piece_to_id("<0x0A>")
    inner = text.encode("assistant")
    assert known_row == [ids.bos, ids.bot, *inner, byte, ids.audio_base + 1, ids.eot]


def test_characters_without_a_piece_become_bytes(text):
    assert pieces(text, "你", dummy_prefix=False) == ["<0xE4>", "<0xBD>", "<0xA0>"]
    assert pieces(text, "\n", dummy_prefix=False) == ["<0x0A>"]
    assert pieces(text, "\n\n你", dummy_prefix=False)[:2] == ["<0x0A>"] * 2


@pytest.mark.parametrize("what", ROUND)
def test_text_there_and_back(text, json_file, ids, what):
    for tokenizer in (text, JsonText(json_file, ids)):
        for whole in (what, f"<s><|BOT|>{what}<|EOT|>", f"{what}<audio_3>{what}"):
            assert tokenizer.decode(tokenizer.encode(whole)) == whole


def test_current_layout_is_one_text_however_it_is_split(text, ids):
    """Every plain section is encoded as in one text without the control tokens between."""
    for turns in (clone_turns("the human", "<audio_2>", "hello", "debug"), edit_turns("make\n", "<audio_2>")):
        encoded = text.encode(chat(turns))
        assert encoded[0] == ids.bos
        assert encoded.count(ids.bot) == 3
        assert encoded.count(ids.audio_base + 2) == 1
        assert text.decode(encoded) == chat(turns)


def test_unigram_is_not_read_as_merges(text, tmp_path, ids):
    """The best of all segmentations by the model's scores, which merging pairs does not find."""
    merged = SentencePieceText(model_file(tmp_path, "bpe"), ids)
    differ = 0
    for line in dict.fromkeys(CORPUS):
        best = text.model.NBestEncodeAsIds(line, 20)
        scores = [sum(text.model.get_score(one) for one in some) for some in best]
        assert text.encode(line) == best[scores.index(max(scores))]
        differ += pieces(text, line) != pieces(merged, line)
    assert differ


def test_files_that_do_not_fit(tmp_path, unigram, json_file, text):
    size = text.model.get_piece_size()
    for tokenizer, file, named in ((SentencePieceText, unigram, "pieces"), (JsonText, json_file, "tokens")):
        with pytest.raises(TunesmithError, match=rf"{file.name}: .* {named}, but the audio tokens begin at 100"):
            tokenizer(file, TokenIds(audio_base=100))
    assert SentencePieceText(unigram, TokenIds(audio_base=size)).encode("<audio_0>") == [size]
    for tokenizer, name in ((SentencePieceText, "tokenizer.model"), (JsonText, "tokenizer.json")):
        broken = tmp_path / name
        broken.write_bytes(b"not a model")
        with pytest.raises(TunesmithError, match=f"{name}: this text tokeniser cannot be read"):
            tokenizer(broken, TokenIds())


def test_the_file_that_is_there_decides(tmp_path, unigram, json_file, ids):
    with pytest.raises(TunesmithError, match="stepfun-ai/Step-Audio-EditX"):
        load_text(tmp_path, ids)
    (tmp_path / json_file.name).write_bytes(json_file.read_bytes())
    assert isinstance(load_text(tmp_path, ids), JsonText)
    (tmp_path / unigram.name).write_bytes(unigram.read_bytes())
    assert isinstance(load_text(tmp_path, ids), SentencePieceText)


def test_missing_library_names_the_extra(monkeypatch, unigram, ids):
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(TunesmithError, match=r'pip install "tunesmith\[step-audio\]"'):
        SentencePieceText(unigram, ids)


def test_no_second_stop_id_means_no_end_of_sentence(json_file):
    text = JsonText(json_file, TokenIds(audio_base=400, stop=(3,)))
    assert "</s>" not in text.control
    assert text.control == {"<s>": 1, "<|EOT|>": 3, "<|BOT|>": 4}
