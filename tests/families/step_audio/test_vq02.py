"""The linguistic tokeniser at the edges of a chunk, against a plain streaming run, and its files where wrong."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.config import PARAFORMER_FOLDER, TokenIds, Vq02Config
from tunesmith.families.step_audio.parts.kmeans import load_centroids, nearest
from tunesmith.families.step_audio.parts.vq02 import Vq02, Vq02Encoder, as_pcm16, positions
from tunesmith.families.step_audio.parts.vq02_weights import load_vq02, read_cmvn, read_config

CONFIG = Vq02Config(n_mels=6, output_size=16, attention_heads=2, linear_units=24, num_blocks=3, kernel_size=5)
IDS = TokenIds(vq02=10)
WIDTH = CONFIG.n_mels * CONFIG.lfr_m


def encoder_of(config: Vq02Config) -> Vq02Encoder:
    torch.manual_seed(3)
    return Vq02Encoder(config).eval()


@pytest.fixture(scope="module")
def vq02():
    cmvn = torch.stack([torch.full((WIDTH,), -8.0), torch.full((WIDTH,), 0.2)])
    vq02 = Vq02(encoder_of(CONFIG), cmvn, torch.zeros(IDS.vq02, CONFIG.output_size))
    with torch.no_grad():
        vq02.centroids_KD = vq02.encoder(vq02.features(noise(12_000)))[: IDS.vq02]
    return vq02


def noise(samples: int) -> torch.Tensor:
    return 0.1 * torch.randn(samples, generator=torch.Generator().manual_seed(samples))


def streamed(encoder: Vq02Encoder, features_TL: torch.Tensor) -> torch.Tensor:
    """One chunk after the other with a cache of keys and values, as one would write it down for a live stream."""
    config = encoder.config
    before, size, ahead = config.chunk_size
    x = features_TL * config.output_size**0.5 + positions(*features_TL.shape)
    heard = torch.zeros(before + ahead, x.shape[1])
    caches: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
    outputs = []
    for chunk in x.split(size):
        whole = torch.cat((heard, chunk))
        heard = whole[len(whole) - before - ahead :]
        hidden = whole
        for number, layer in enumerate((*encoder.encoders0, *encoder.encoders)):
            q, k, v = layer.self_attn.linear_q_k_v(layer.norm1(hidden)).chunk(3, dim=-1)
            past_k, past_v = caches.get(number, (k[:0], v[:0]))
            keep = config.encoder_chunk_look_back * size
            kept = torch.cat((past_k, k[:-ahead])), torch.cat((past_v, v[:-ahead]))
            caches[number] = tuple(one[max(0, len(one) - keep) :] for one in kept)
            heads = [
                one.unflatten(-1, (config.attention_heads, -1)).transpose(0, 1)
                for one in (q, torch.cat((past_k, k)), torch.cat((past_v, v)))
            ]
            weights = (heads[0] @ heads[1].mT / heads[0].shape[-1] ** 0.5).softmax(-1)
            mixed = layer.self_attn.linear_out((weights @ heads[2]).transpose(0, 1).flatten(1))
            block = layer.self_attn.fsmn_block
            memory = block(F.pad(v.T, layer.self_attn.padding)[None])[0].T + v
            hidden = (hidden if layer.same_width else 0) + mixed + memory
            hidden = hidden + layer.feed_forward(layer.norm2(hidden))
        outputs.append(encoder.after_norm(hidden)[-len(chunk) :])
    return torch.cat(outputs)


@torch.no_grad()
@pytest.mark.parametrize(
    "config",
    [
        CONFIG,
        replace(CONFIG, chunk_size=(0, 3, 2), encoder_chunk_look_back=2),
        replace(CONFIG, chunk_size=(0, 2, 6), sanm_shfit=1),
        replace(CONFIG, chunk_size=(1, 3, 2), encoder_chunk_look_back=2),
        replace(CONFIG, encoder_chunk_look_back=0),
    ],
)
@pytest.mark.parametrize("frames", [1, 4, 5, 31])
def test_all_chunks_at_once_are_the_same_as_one_after_the_other(config, frames):
    """In double precision, where the other order of the same sums leaves nothing to see on any CPU."""
    encoder = encoder_of(config).double()
    features = torch.randn(frames, WIDTH, generator=torch.Generator().manual_seed(frames), dtype=torch.float64)
    torch.testing.assert_close(encoder(features), streamed(encoder, features), atol=1e-12, rtol=0)


@torch.no_grad()
def test_later_audio_changes_no_earlier_frame(vq02):
    wave = noise(16_000)
    whole, begun = vq02.encoder(vq02.features(wave)), vq02.encoder(vq02.features(wave[: 3 * 3840]))
    assert torch.allclose(whole[: len(begun)], begun, atol=1e-6)


@pytest.mark.parametrize(
    ("samples", "frames"),
    [
        *((0, 0), (399, 0), (879, 0), (880, 1), (1359, 1), (1360, 2), (2319, 2), (3759, 4), (3839, 4), (3840, 4)),
        *((3840 + 879, 4), (3840 + 880, 5), (3840 + 1599, 6), (3840 + 3839, 8), (2 * 3840, 8), (2 * 3840 + 160, 8)),
    ],
)
def test_frames_of_whole_chunks_and_of_the_rest(vq02, samples, frames):
    features = vq02.features(noise(samples))
    assert features.shape == (frames, WIDTH)
    assert vq02.codes(noise(samples)).shape == (frames,)


def test_codes_are_those_of_the_nearest_centroid(vq02):
    codes = vq02.codes(noise(20_000).numpy())
    assert codes.dtype == np.int64
    with torch.no_grad():
        hidden = vq02.encoder(vq02.features(as_pcm16(noise(20_000))))
    distances = (hidden[:, None] - vq02.centroids_KD).square().sum(-1)
    assert codes.tolist() == distances.argmin(1).tolist()
    assert len(set(codes.tolist())) > 1
    assert nearest(torch.zeros(1, 2), torch.tensor([[1.0, 0], [0, 1.0]])).tolist() == [0]


def test_16_bit_audio_is_that_of_a_wav_file():
    import soundfile

    wave = torch.cat((noise(20_000), torch.tensor([0.0, 1.0, -1.0, 1.5, -1.5, 0.999, 1e-6, -1e-6])))
    file = io.BytesIO()
    soundfile.write(file, wave.numpy(), 16_000, format="WAV")
    file.seek(0)
    assert np.array_equal(as_pcm16(wave).numpy(), soundfile.read(file, dtype="float32")[0])


@torch.no_grad()
def test_sound_below_one_step_of_16_bits_is_silence(vq02):
    quiet, silence = 3e-5 * noise(8_000).abs().clamp(max=1), torch.zeros(8_000)
    heard = [vq02.encoder(vq02.features(wave))[-1] for wave in (quiet, silence)]
    assert Vq02(vq02.encoder, vq02.cmvn_2L, torch.stack(heard)).codes(quiet)[-1] == 1


def test_names_and_sizes_of_the_published_encoder():
    with torch.device("meta"):
        state = Vq02Encoder(Vq02Config()).state_dict()
    assert len(state) == 652
    assert state["encoders0.0.self_attn.linear_q_k_v.weight"].shape == (1536, 560)
    assert state["encoders.48.self_attn.fsmn_block.weight"].shape == (512, 1, 11)
    assert state["encoders.48.feed_forward.w_1.weight"].shape == (2048, 512)
    assert sum(tensor.numel() for tensor in state.values()) == 157_975_648


def cmvn_text(shift: list[float], scale: list[float]) -> str:
    return (
        f"<Nnet>\n<Splice> {WIDTH} {WIDTH}\n[ 0 ]\n<AddShift> {WIDTH} {WIDTH}\n"
        f"<LearnRateCoef> 0 [ {' '.join(map(str, shift))} ]\n\n<Rescale> {WIDTH} {WIDTH}\n"
        f"<LearnRateCoef> 0 [ {' '.join(map(str, scale))} ]\n</Nnet>\n"
    )


@pytest.fixture
def folder(tmp_path):
    """A small tokeniser in the layout of the published one."""
    inner = tmp_path / PARAFORMER_FOLDER
    inner.mkdir(parents=True)
    state = {f"encoder.{name}": tensor for name, tensor in encoder_of(CONFIG).state_dict().items()}
    torch.save({**state, "decoder.output_layer.bias": torch.zeros(3)}, inner / "model.pt")
    (inner / "am.mvn").write_text(cmvn_text([-8.0] * WIDTH, [0.2] * WIDTH))
    (inner / "config.yaml").write_text(
        "model: ParaformerStreaming\n"
        f"encoder_conf: {{output_size: {CONFIG.output_size}, attention_heads: {CONFIG.attention_heads},"
        f" linear_units: {CONFIG.linear_units}, num_blocks: {CONFIG.num_blocks}, kernel_size: {CONFIG.kernel_size},"
        " sanm_shfit: 0, input_layer: pe_online, dropout_rate: 0.1}\n"
        f"frontend_conf: {{fs: 16000, window: hamming, n_mels: {CONFIG.n_mels}, lfr_m: 7, lfr_n: 6, dither: 1.0}}\n"
    )
    centroids = np.random.default_rng(0).standard_normal((IDS.vq02, CONFIG.output_size))
    np.save(tmp_path / "linguistic_tokenizer.npy", centroids)
    return tmp_path


def test_loaded_from_its_folder(folder, vq02):
    loaded = load_vq02(folder, IDS)
    assert loaded.encoder.config == CONFIG
    assert not any(one.requires_grad for one in loaded.encoder.parameters())
    wave = noise(9_000)
    features = vq02.features(wave)
    assert torch.allclose(loaded.features(wave), features)
    with torch.no_grad():
        assert torch.equal(loaded.encoder(features), vq02.encoder(features))
    assert loaded.codes(wave).max() < IDS.vq02


@pytest.mark.parametrize(
    "name",
    ["linguistic_tokenizer.npy", *(f"{PARAFORMER_FOLDER}/{one}" for one in ("model.pt", "am.mvn", "config.yaml"))],
)
def test_missing_and_broken_files_are_named(folder, name):
    file = folder / name
    for break_it in (lambda: file.write_bytes(b"\x80\xff not what it says"), file.unlink):
        break_it()
        with pytest.raises(TunesmithError, match=f"{file.name}: .*Download"):
            load_vq02(folder, IDS)


def test_a_network_of_other_sizes_than_its_config(folder):
    file = folder / PARAFORMER_FOLDER / "config.yaml"
    file.write_text(file.read_text().replace("num_blocks: 3", "num_blocks: 4"))
    with pytest.raises(TunesmithError, match=r"missing \(encoders\.2\."):
        load_vq02(folder, IDS)
    file.write_text("encoder_conf: {output_size: 16}\n")
    with pytest.raises(TunesmithError, match="no section frontend_conf"):
        read_config(file)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (cmvn_text([0.0] * (WIDTH - 1), [1.0] * WIDTH), "lengths|numbers|not .* of each"),
        (cmvn_text([0.0] * 3, [1.0] * 3), f"3 values of <AddShift> and 3 of <Rescale>, not {WIDTH}"),
        (cmvn_text([0.0] * WIDTH, [1.0] * WIDTH).replace("<Rescale>", "<Other>"), "no values of <Rescale>"),
        (cmvn_text([0.0] * WIDTH, [1.0] * WIDTH).replace("0.0", "zero", 1), "no table of numbers"),
    ],
)
def test_statistics_that_do_not_fit(tmp_path, text, named):
    (tmp_path / "am.mvn").write_text(text)
    with pytest.raises(TunesmithError, match=named):
        read_cmvn(tmp_path / "am.mvn", WIDTH)


def test_centroids_of_another_size_or_pickled(tmp_path):
    file = tmp_path / "linguistic_tokenizer.npy"
    np.save(file, np.zeros((3, 4)))
    assert load_centroids(file, 3, 4).dtype == torch.float32
    with pytest.raises(TunesmithError, match=r"shape \(3, 4\), not \(10, 4\)"):
        load_centroids(file, 10, 4)
    np.save(file, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(TunesmithError, match="cannot be read"):
        load_centroids(file, 1, 1)
