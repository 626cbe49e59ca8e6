"""``cosyvoice.yaml`` is read, never executed."""

from __future__ import annotations

import sys

import pytest

from tests.families.step_audio.tiny_flow import TINY
from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.config import FlowConfig, HiftConfig, MelConfig
from tunesmith.families.step_audio.parts.cosyvoice_yaml import read_cosyvoice

# Upstream's manner of writing: classes as tags, sizes by reference.
RELEASED = """\
seed: !apply:random.seed [1986]
sample_rate: 24000
mel_bins: &bins 80
sizes: {spk: 192, table: [5121]}

flow: !new:some.module.CausalMaskedDiffWithXvec
    input_size: 512
    output_size: !ref <mel_bins>
    spk_embed_dim: !ref <sizes[spk]>
    output_type: 'mel'
    vocab_size: !ref <sizes[table][0]>
    input_embedding: !new:some.module.DualCodebookEmbedding
        vocab_size: !ref <flow[vocab_size]>
        input_size: !ref <flow[input_size]>
    encoder: !new:some.module.UpsampleConformerEncoderV2
        input_size: 512
        output_size: 512
        input_layer: 'linear'
        num_blocks: 6
        num_up_blocks: 4
        key_bias: true
        dropout_rate: 0.1
    decoder: !new:some.module.CausalConditionalCFM
        inference_cfg_rate: 0.7
        estimator: !new:some.module.DiT
            in_channels: 320
            out_channels: *bins
            depth: 16
            mlp_ratio: 4.0

hift: !new:some.module.HiFTGenerator
    in_channels: 80
    sampling_rate: !ref <sample_rate>
    upsample_rates: [8, 5, 3]
    istft_params: {n_fft: 16, hop_len: 4}
    resblock_dilation_sizes: [[1, 3, 5], [1, 3, 5], [1, 3, 5]]
    f0_predictor: !new:some.module.ConvRNNF0Predictor
        num_class: 1
        activation: !new:some.module.ELU
        step: !name:some.module.step

mel_conf:
    n_fft: 1920
    num_mels: 80
    sampling_rate: !ref <sample_rate>
    hop_size: 480
    win_size: 1920
    fmin: 0
    fmax: 8000
    center: False
"""


@pytest.fixture
def read(tmp_path):
    file = tmp_path / "cosyvoice.yaml"

    def reader(text):
        file.write_text(text, encoding="utf-8")
        return read_cosyvoice(file)

    return reader


def test_released_file(read):
    config = read(RELEASED)
    assert config.flow == FlowConfig()
    assert config.hift == HiftConfig()
    assert config.mel == MelConfig()


def test_values_of_another_model(read):
    text = RELEASED.replace("mel_bins: &bins 80", "mel_bins: &bins 20").replace("depth: 16", "depth: 3")
    text = text.replace("inference_cfg_rate: 0.7", "inference_cfg_rate: 0").replace("hop_size: 480", "hop_size: 240")
    config = read(text.replace("key_bias: true", "key_bias: false").replace("n_fft: 16,", "n_fft: 8,"))
    assert (config.flow.output_size, config.flow.estimator.out_channels, config.flow.estimator.depth) == (20, 20, 3)
    assert (config.flow.inference_cfg_rate, config.flow.encoder.key_bias) == (0.0, False)
    assert (config.mel.hop_size, config.hift.istft_n_fft) == (240, 8)
    assert config.flow != TINY


@pytest.mark.parametrize(
    "tag",
    ["!apply:never_imported.run", "!new:never_imported.Run", "!name:never_imported"],
)
@pytest.mark.parametrize("argument", ["[1]", "{a: 1}", "1", ""])
def test_tags_import_and_call_nothing(read, monkeypatch, tag, argument):
    asked = []

    class Watch:
        def find_spec(self, name, *_):
            asked.append(name)

    monkeypatch.setattr(sys, "meta_path", [Watch(), *sys.meta_path])
    assert read(f"{RELEASED}\nmore: {tag} {argument}\n").flow == FlowConfig()
    assert not [name for name in asked if name.startswith("never_imported")]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("input_size: 512\n    output_size", "input_size: wide\n    output_size", "`flow.input_size` is 'wide'"),
        ("depth: 16", "depth: 16.5", "`flow.estimator.depth` is 16.5"),
        ("num_blocks: 6", "num_blocks: true", "`flow.encoder.num_blocks` is True"),
        ("upsample_rates: [8, 5, 3]", "upsample_rates: [8, five, 3]", "`hift.upsample_rates`"),
        ("hop_size: 480", "hop_size: !ref <sample_rate> // 50", "`mel_conf.hop_size` is '<sample_rate> // 50'"),
        ("key_bias: true", "up_scale_factor: 4", "up_scale_factor and up_stride are not equal"),
        ("n_fft: 16,", "n_fft: many,", "`hift` cannot be read"),
        ("!ref <mel_bins>", "!ref <mel_bands>", "<mel_bands> refers to nothing"),
        ("!ref <sizes[table][0]>", "!ref <sizes[table][1]>", "refers to nothing"),
        ("mel_bins: &bins 80", "mel_bins: &bins !ref <mel_bins>", "refers to itself"),
        ("mel_conf:", "mel:", "describes no `mel_conf`"),
        ("seed: !apply:random.seed [1986]", "seed: !!python/object/apply:os.getcwd []", "cannot be read as YAML"),
        ("hop_size: 480", "hop_size: 480: 2", "cannot be read as YAML"),
    ],
)
def test_what_cannot_be_read_is_said(read, tmp_path, old, new, said):
    assert old in RELEASED
    with pytest.raises(TunesmithError) as raised:
        read(RELEASED.replace(old, new, 1))
    assert said in str(raised.value)
    assert str(raised.value).startswith(str(tmp_path / "cosyvoice.yaml"))


def test_syntax_error_names_its_line(read):
    with pytest.raises(TunesmithError, match=r"cosyvoice\.yaml:4: "):
        read("a: 1\nb: 2\nc: [1\nd: 1\n")


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words", "&a [*a]", "flow: &a {encoder: *a}"])
def test_files_of_another_kind(read, text):
    with pytest.raises(TunesmithError):
        read(text)


def test_aliases_cannot_blow_up(read):
    levels = "".join(f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]\n" for n in range(1, 30))
    assert read(f"x0: &x0 [1]\n{levels}{RELEASED}").mel == MelConfig()


def test_absent_and_binary_files(tmp_path):
    with pytest.raises(TunesmithError, match="no such file"):
        read_cosyvoice(tmp_path / "cosyvoice.yaml")
    (tmp_path / "cosyvoice.yaml").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(TunesmithError, match="cannot be read"):
        read_cosyvoice(tmp_path / "cosyvoice.yaml")
