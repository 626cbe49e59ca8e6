"""Packing, the flow's columns, every instruction and prompt in both layouts against the recorded ones."""

from __future__ import annotations

import hashlib
import json

import pytest

from tests.families.step_audio.stub_text import StubText
from tests.golden_files import golden_path
from tunesmith.families.step_audio.config import TokenIds
from tunesmith.families.step_audio.edits import EDIT_INFO, PRONUNCIATION, instruction
from tunesmith.families.step_audio.prompts import (
    EDIT_SYSTEM,
    SPEAKER,
    chat,
    clone_prompt,
    clone_turns,
    edit_prompt,
    edit_turns,
)
from tunesmith.families.step_audio.tokens import audio_text, flow_tokens, pack, unpack

IDS = TokenIds()


@pytest.fixture(scope="module")
def golden():
    return json.loads(golden_path("step_audio/prompts.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def stub():
    return StubText(IDS)


def sha(what) -> str:
    return hashlib.sha256(what.encode()).hexdigest()[:16]


def packed(golden) -> list[int]:
    return pack(golden["vq02"], golden["vq06"], IDS)


def test_golden_packing(golden):
    ids = packed(golden)
    assert ids == golden["mixed_ids"]
    assert audio_text(ids, IDS) == golden["audio_token_str"]
    groups = len(ids) // 5
    assert unpack(ids, IDS) == (golden["vq02"][: 2 * groups], golden["vq06"][: 3 * groups])


def test_golden_flow_tokens(golden):
    assert flow_tokens(golden["mixed_ids"], IDS).tolist() == golden["reshape_full"]
    for length, rows in golden["reshape_partial"].items():
        assert flow_tokens(golden["mixed_ids"][: int(length)], IDS).tolist() == rows


def test_golden_edit_types_and_their_values(golden):
    ours = {name: list(values) for name, values in EDIT_INFO.items() if name != PRONUNCIATION}
    assert ours == golden["supported"]
    covered = {(case["edit_type"], case["edit_info"]) for case in golden["edit_cases"]}
    assert covered == {(name, one) for name, values in ours.items() if name != "clone" for one in values or [None]}


def test_golden_edit_prompts(golden, stub):
    texts = golden["texts"]
    assert golden["system_edit"] == EDIT_SYSTEM
    for case in golden["edit_cases"]:
        kind, info = case["edit_type"], case["edit_info"]
        request = instruction(kind, info, texts["src"], texts["para"])
        assert request == case["instruction"]
        rendered = chat(edit_turns(request, golden["audio_token_str"]))
        assert sha(rendered) == case["chat_template_sha"]
        given = {"edit_type": kind, "edit_info": info, "source_text": texts["src"], "target_text": texts["para"]}
        given |= {"source_ids": golden["mixed_ids"], "ids": IDS}
        legacy = edit_prompt(stub, **given, style="legacy")
        assert (len(legacy), sha(json.dumps(legacy))) == (case["legacy_len"], case["legacy_ids_sha"])
        current = edit_prompt(stub, **given, style="current")
        assert len(current) == len(legacy) - 1
        if "legacy_ids" in case:
            assert legacy == case["legacy_ids"]
            assert rendered == case["chat_template_text"]
            assert current == case["chat_template_stub_ids"]


def test_golden_clone_prompts(golden, stub):
    texts, clone = golden["texts"], golden["clone"]
    given = {"prompt_text": texts["prompt_text"], "target_text": texts["target"], "prompt_ids": golden["mixed_ids"]}
    legacy = clone_prompt(stub, **given, speaker=clone["voice_id_for_linspace_wav"], style="legacy", ids=IDS)
    assert legacy == clone["legacy_ids"]
    current = clone_prompt(stub, **given, speaker=SPEAKER, style="current", ids=IDS)
    assert current == clone["chat_template_stub_ids"]
    turns = clone_turns(texts["prompt_text"], golden["audio_token_str"], texts["target"], SPEAKER)
    assert chat(turns) == clone["chat_template_text"]
    empty = {"speaker": "{speaker}", "prompt_text": "{prompt_text}", "prompt_audio": "{prompt_wav_tokens}"}
    assert clone_turns(**empty, target_text="").system == golden["system_clone_tpl"]


def test_golden_chat_layout_is_the_shipped_template(golden):
    from jinja2 import Template

    for turns in (edit_turns("an instruction\n", "<audio_1>"), clone_turns("said", "<audio_2>", "to say", "one")):
        messages = [{"role": "system", "content": turns.system}, {"role": "user", "content": turns.user}]
        template = Template(golden["chat_template"])
        assert chat(turns) == template.render(messages=messages, add_generation_prompt=True)


def test_golden_known_row_needs_no_space_after_a_control_token(golden, stub):
    fact = golden["real_tokenizer_fact"]
    ids = stub.encode(fact["text"])
    assert ids[:2] == fact["ids"][:2]
    assert ids[-3:] == fact["ids"][-3:]
    assert stub.decode(ids) == fact["text"]
