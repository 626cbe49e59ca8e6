"""Audio codes as ids where they are wrong, other codebook sizes, and which edits there are."""

from __future__ import annotations

import numpy as np
import pytest

from tests.families.step_audio.stub_text import StubText
from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.config import TokenIds
from tunesmith.families.step_audio.edits import EDIT_TYPES, instruction, is_clone, is_generic, validate
from tunesmith.families.step_audio.prompts import clone_prompt, edit_prompt, speaker_name
from tunesmith.families.step_audio.tokens import audio_id, audio_text, flow_tokens, n_groups, pack, unpack

SMALL = TokenIds(audio_base=300, vq02=8, vq06=20)


def codes(groups: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.integers(0, SMALL.vq02, 2 * groups), generator.integers(0, SMALL.vq06, 3 * groups)


@pytest.mark.parametrize(("first", "second", "groups"), [(0, 9, 0), (4, 5, 1), (5, 6, 2), (7, 100, 3), (1, 3, 0)])
def test_remainder_is_dropped(first, second, groups):
    assert n_groups(first, second) == groups
    assert len(pack([0] * first, [0] * second, SMALL)) == 5 * groups


def test_pack_and_back_at_other_sizes():
    vq02, vq06 = codes(7)
    ids = pack(vq02, vq06, SMALL)
    assert all(isinstance(one, int) and SMALL.audio_base <= one < SMALL.audio_end for one in ids)
    assert unpack(ids, SMALL) == (vq02.tolist(), vq06.tolist())
    rows = flow_tokens(ids, SMALL)
    assert rows.shape == (21, 2)
    assert rows.max() < SMALL.flow_vocabulary
    assert (rows[2::3, 0] == SMALL.pad).all()
    assert rows[:, 1].tolist() == (vq06 + SMALL.vq02 + 1).tolist()
    assert flow_tokens([], SMALL).shape == (0, 2)


@pytest.mark.parametrize("cut", [1, 2, 3, 4])
def test_a_group_cut_off_at_the_end_is_filled_with_code_zero(cut):
    vq02, vq06 = codes(2)
    filled02, filled06 = vq02.copy(), vq06.copy()
    filled02[2 + min(cut, 2) :], filled06[3 + max(0, cut - 2) :] = 0, 0
    whole = pack(filled02, filled06, SMALL)
    assert np.array_equal(flow_tokens(pack(vq02, vq06, SMALL)[: 5 + cut], SMALL), flow_tokens(whole, SMALL))


@pytest.mark.parametrize(("vq02", "vq06", "named"), [([8, 0], [0] * 3, "vq02 code 8"), ([0, 0], [0, -1, 0], "-1")])
def test_codes_outside_their_book(vq02, vq06, named):
    with pytest.raises(TunesmithError, match=named):
        pack(vq02, vq06, SMALL)


def test_ids_that_are_no_audio_or_out_of_phase():
    ids = pack(*codes(3), SMALL)
    for wrong in (SMALL.audio_base - 1, SMALL.audio_end, SMALL.eot):
        for use in (unpack, flow_tokens, audio_text):
            with pytest.raises(TunesmithError, match=f"id {wrong} .number 16 of 16"):
                use([*ids, wrong], SMALL)
    with pytest.raises(TunesmithError, match="out of phase, number 2 of 14 should be of vq02"):
        flow_tokens(ids[1:], SMALL)


def test_audio_tokens_beyond_the_codebooks():
    assert audio_id(27, SMALL) == 327
    with pytest.raises(TunesmithError, match=r"<audio_28> .* end at <audio_27>"):
        audio_id(28, SMALL)
    with pytest.raises(TunesmithError, match="<audio_28>"):
        StubText(SMALL).encode("a<audio_3><audio_28>")


def test_unknown_edits_list_what_there_is():
    with pytest.raises(TunesmithError) as caught:
        validate("singing")
    assert all(name in str(caught.value) for name in EDIT_TYPES)
    with pytest.raises(TunesmithError, match=r"no edit_info 'joyful'.*happy, angry"):
        validate("emotion", "joyful")
    with pytest.raises(TunesmithError, match="takes no edit_info"):
        validate("denoise", "strong")
    for edit_type in EDIT_TYPES:
        validate(edit_type)


def test_generic_instruction_where_the_value_is_missing():
    missing = [edit_type for edit_type in EDIT_TYPES if is_generic(edit_type, None)]
    assert missing == ["emotion", "style", "speed"]
    for edit_type in missing:
        assert instruction(edit_type, "", " said ") == "Edit the audio based on text: said\n"
        assert not is_generic(edit_type, "faster")


def test_pronunciation_is_a_clone():
    assert [edit_type for edit_type in EDIT_TYPES if is_clone(edit_type)] == ["clone", "pronunciation"]
    with pytest.raises(TunesmithError, match="prompt of a clone"):
        instruction("pronunciation", None, "said")


@pytest.mark.parametrize("target", [None, ""])
def test_paralinguistic_needs_its_new_text(target):
    with pytest.raises(TunesmithError, match="target_text"):
        instruction("paralinguistic", None, "said", target)


@pytest.mark.parametrize("text", ["a<|EOT|>", "<audio_4>", "<s>b", "</s>"])
def test_user_text_cannot_hold_control_tokens(text):
    stub = StubText(SMALL)
    audio = pack(*codes(1), SMALL)
    clone = {"prompt_text": "a", "target_text": "b", "speaker": "c"}
    for name in clone:
        with pytest.raises(TunesmithError, match="control token"):
            clone_prompt(stub, **{**clone, name: text}, prompt_ids=audio, style="current", ids=SMALL)
    with pytest.raises(TunesmithError, match="control token"):
        edit_prompt(
            stub,
            edit_type="emotion",
            edit_info="sad",
            source_text=text,
            source_ids=audio,
            target_text=None,
            style="legacy",
            ids=SMALL,
        )


def test_speaker_name_of_either_layout():
    wave = np.linspace(-0.5, 0.5, 4801, dtype=np.float32)
    assert speaker_name("current", "said", wave) == "debug"
    name = speaker_name("legacy", "said", wave)
    assert name.startswith("clone_")
    assert len(name) == len("clone_") + 16
    changed = wave.copy()
    changed[2400] = 1
    assert speaker_name("legacy", "said", changed) == name
    assert speaker_name("legacy", "said", wave[None].astype(np.float64)) == name
    changed[3801] = 1
    assert speaker_name("legacy", "said", changed) != name
    assert speaker_name("legacy", "other", wave) != name
