"""CPU seconds and peak memory of encoding long files in pieces, and beside them the same files encoded whole.

Every cell is a process of its own, on one thread, that builds a codec, encodes one file through the front end that
``tunesmith encode`` uses, and says how much memory that took beyond the codec's own. Pocket codecs are those that ship;
the real ones have the published sizes and random weights. ``--compare`` encodes one file both ways in one process, and
for ACE-Step also in windows that know nothing of each other, with a generous overlap: what such windows are off by.
There a piece is a quarter of the file, and the overlap an eighth of it on either side.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import protocol
from ace_step_models import DCAE_CONFIG, MEL_CONFIG, checkpoint_config, transformer_config
from models import SMALL, config
from recording import measured, write_results

RATE = 44_100
Encode = Callable[[Any], Any]


def write_music(file: Path, seconds: float) -> None:
    """Stereo noise at 44.1 kHz whose level and colour change, written a second at a time."""
    import soundfile

    rng = np.random.default_rng(0)
    with soundfile.SoundFile(file, "w", RATE, 2, "PCM_16") as out:
        for second in range(int(seconds)):
            noise = rng.standard_normal((RATE, 2)).astype(np.float32)
            colour = 1 + second % 7
            smooth = np.cumsum(noise, axis=0)
            smooth = (smooth - np.roll(smooth, colour, axis=0)) / colour
            out.write(np.clip((0.02 + 0.2 * ((second * 13) % 29) / 29) * smooth, -1, 1))


def musicgen(size: str) -> tuple[Any, Any]:
    """EnCodec and its sizes."""
    from tunesmith.families.musicgen.config import parse_config, read_config
    from tunesmith.families.musicgen.weights import load_codec
    from tunesmith.pocket.shipped import pocket_path

    if size == "pocket":
        sizes = read_config(pocket_path("musicgen"))
        return load_codec(pocket_path("musicgen"), sizes), sizes
    from transformers import EncodecConfig, EncodecModel

    torch.manual_seed(0)
    raw = config(SMALL).to_dict()
    codec = EncodecModel(EncodecConfig(**raw["audio_encoder"])).eval().requires_grad_(False)
    for layer in codec.quantizer.layers:
        layer.codebook.embed.normal_(std=0.02)
    return codec, parse_config(raw, "here")


def ace_step(size: str) -> Any:
    """The music codec, without decoder and vocoder."""
    from tunesmith.audio.log_mel import LogMel
    from tunesmith.families.ace_step.config import read_config
    from tunesmith.families.ace_step.parts import dcae
    from tunesmith.families.ace_step.parts.codec import MusicCodec
    from tunesmith.pocket.shipped import pocket_path

    if size == "pocket":
        codec = MusicCodec(pocket_path("ace_step"), read_config(pocket_path("ace_step")), "cpu")
        assert codec.log_mel is not None and codec.dcae_encoder is not None
        return codec
    torch.manual_seed(0)
    codec = MusicCodec(Path(), checkpoint_config(transformer_config()), "cpu")
    codec.log_mel = LogMel(MEL_CONFIG)
    encoder = dcae.make_dcae(DCAE_CONFIG).encoder.eval().requires_grad_(False)
    codec.dcae_encoder = dcae._windowed(encoder, DCAE_CONFIG)
    return codec


def step_audio(size: str) -> Encode:
    """Codes and mel of a recording, of the shipped front end or of the published sizes.

    Of the latter without CosyVoice's tokeniser and CAM++, which exist as ONNX files alone: the first takes 30 s at a
    time, the second hears prompts only.
    """
    from tunesmith.data.load import load
    from tunesmith.families.step_audio.config import SAMPLE_RATE, MelConfig, TokenIds, Vq02Config
    from tunesmith.families.step_audio.frontend import SmallFrontEnd
    from tunesmith.families.step_audio.parts.mel import log_mel
    from tunesmith.families.step_audio.parts.trim import prepare_voice
    from tunesmith.families.step_audio.parts.vq02 import Vq02, Vq02Encoder
    from tunesmith.pocket.shipped import pocket_path

    if size == "pocket":
        front = SmallFrontEnd(pocket_path("step_audio"), TokenIds())
        return lambda ref: front.encode(load(ref, SAMPLE_RATE, 1), SAMPLE_RATE).codes
    torch.manual_seed(0)
    sizes = Vq02Config()
    features = torch.stack([torch.full((sizes.n_mels * sizes.lfr_m,), value) for value in (-8.0, 0.2)])
    vq02 = Vq02(Vq02Encoder(sizes).eval(), features, torch.randn(1024, sizes.output_size))

    def encode(ref: Any) -> np.ndarray:
        voice = prepare_voice(torch.from_numpy(load(ref, SAMPLE_RATE, 1))[0], SAMPLE_RATE)
        log_mel(voice.wave_24k[None], MelConfig())
        return vq02.codes(voice.wave_16k)

    return encode


def all_at_once(encode: Encode) -> Encode:
    """The same with no piece of anything."""
    from tunesmith.families.step_audio.parts import fbank, mel, trim, vq02

    def whole(ref: Any) -> Any:
        names = (
            (vq02, "CHUNKS_AT_ONCE"),
            (mel, "FRAMES_AT_ONCE"),
            (fbank, "FRAMES_AT_ONCE"),
            (trim, "_FRAMES_AT_ONCE"),
        )
        kept = [(module, name, getattr(module, name)) for module, name in names]
        for module, name in names:
            setattr(module, name, 1 << 40)
        try:
            return encode(ref)
        finally:
            for module, name, value in kept:
                setattr(module, name, value)

    return whole


def arms(family: str, size: str) -> dict[str, Encode]:
    """What encodes a reference in pieces, and whole."""
    from tunesmith.data.load import load, open_stream
    from tunesmith.families.ace_step.config import SAMPLE_RATE
    from tunesmith.families.musicgen.frontend import _whole_codes, stream_codes

    if family == "musicgen":
        codec, sizes = musicgen(size)

        def codes(ref: Any) -> Any:
            with open_stream(ref, sizes.sample_rate, sizes.channels) as sound:
                return stream_codes(codec, sizes, sound)

        return {
            "pieces": codes,
            "whole": torch.no_grad()(
                lambda ref: _whole_codes(codec, sizes, load(ref, sizes.sample_rate, sizes.channels))
            ),
        }
    if family == "step_audio":
        recording = step_audio(size)
        return {"pieces": recording, "whole": all_at_once(recording)}
    music = ace_step(size)

    def latents(ref: Any) -> Any:
        with open_stream(ref, SAMPLE_RATE, 2) as sound:
            return music.encode_stream(sound).numpy()

    return {
        "pieces": latents,
        "whole": torch.no_grad()(lambda ref: music._encode_whole(load(ref, SAMPLE_RATE, 2)).numpy()),
        "windows": torch.no_grad()(lambda ref: in_windows(music, load(ref, SAMPLE_RATE, 2))),
    }


def in_windows(music: Any, audio: np.ndarray) -> np.ndarray:
    """Latents of windows that are encoded by themselves, each cut out of the middle of a longer one."""
    from tunesmith.audio.sinc import sinc_resample
    from tunesmith.families.ace_step.config import SAMPLE_RATE
    from tunesmith.families.ace_step.parts import codec

    native = sinc_resample(torch.from_numpy(audio), SAMPLE_RATE, music.config.codec_rate)
    native = torch.nn.functional.pad(native, (0, -native.shape[-1] % music.config.hop))
    mel, squeeze, parts = music.log_mel(native)[None], music.config.squeeze, []
    size, overlap = codec.PIECE_FRAMES // squeeze, codec.PIECE_FRAMES // squeeze // 2
    for start in range(0, mel.shape[-1] // squeeze, size):
        first = max(0, start - overlap)
        raw = music.encode_mel(mel[..., first * squeeze : (start + size + overlap) * squeeze])
        parts.append(codec.scale_latents(raw[0, ..., start - first : start - first + size]))
    return torch.cat(parts, dim=-1).numpy()


def cell(family: str, size: str, arm: str, file: str) -> dict[str, float]:
    """Encode one file in this process."""
    from tunesmith.data.sample import AudioRef

    torch.set_num_threads(1)
    encode = arms(family, size)[arm]
    before, began = protocol.peak_bytes(), time.process_time()
    encode(AudioRef(file))
    return {"seconds": time.process_time() - began, "mib": (protocol.peak_bytes() - before) / 2**20}


def compare(family: str, size: str, file: str, seconds: float) -> dict[str, float]:
    """How far pieces, and independent windows, are from the whole: in latents, or as the share of codes that differ."""
    from tunesmith.data.sample import AudioRef
    from tunesmith.families.ace_step.parts import codec
    from tunesmith.families.musicgen import frontend

    torch.set_num_threads(1)
    frontend.PIECE_SECONDS = seconds / 4
    codec.PIECE_FRAMES = round(seconds / 4 * RATE / MEL_CONFIG["hop_length"]) // 8 * 8
    found = {name: encode(AudioRef(file)) for name, encode in arms(family, size).items()}
    whole = found.pop("whole")
    if family != "ace_step":
        return {name: float((codes != whole).mean()) for name, codes in found.items()}
    return {name: float(np.abs(latents - whole).max()) for name, latents in found.items()} | {
        "largest": float(np.abs(whole).max())
    }


def in_process(*words: str) -> dict[str, float]:
    """The answer of a child.

    Raises:
        SystemExit: when it fails, or is killed for want of memory.
    """
    done = subprocess.run([sys.executable, __file__, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {done.returncode}: {done.stderr[-500:]}")
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", choices=["musicgen", "ace_step", "step_audio"], required=True)
    parser.add_argument("--size", choices=["pocket", "real"], default="pocket")
    parser.add_argument("--minutes", type=float, nargs="*", default=[1, 5, 20])
    parser.add_argument("--whole", type=float, nargs="*", default=[1, 5], help="minutes that are encoded whole, too")
    parser.add_argument(
        "--compare", type=float, default=0.0, metavar="SECONDS", help="encode so much both ways instead"
    )
    parser.add_argument("--cell", nargs=2, metavar=("ARM", "FILE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.cell:
        arm, file = given.cell
        of = (given.family, given.size)
        print(json.dumps(compare(*of, file, given.compare) if arm == "compare" else cell(*of, arm, file)))
        return
    with tempfile.TemporaryDirectory() as folder:
        if given.compare:
            run_compare(given.family, given.size, given.compare, Path(folder) / "music.wav")
        else:
            run_cells(given.family, given.size, given.minutes, given.whole, Path(folder) / "music.wav")


def run_compare(family: str, size: str, seconds: float, file: Path) -> None:
    """One file, both ways."""
    write_music(file, seconds)
    words = ("--family", family, "--size", size, "--compare", str(seconds), "--cell", "compare", str(file))
    off = in_process(*words)
    print(f"{family} {size}: {off}", flush=True)
    measured(seconds=seconds, off=off)
    write_results(__file__, [family, size, "compared"])


def run_cells(family: str, size: str, lengths: list[float], whole: list[float], file: Path) -> None:
    """Files of several lengths (minutes), in pieces and as far as told whole."""
    cells: dict[str, dict[str, Any]] = {"pieces": {}, "whole": {}}
    for minutes in lengths:
        write_music(file, 60 * minutes)
        for arm in ["pieces", *(["whole"] if minutes in whole else [])]:
            found = in_process("--family", family, "--size", size, "--cell", arm, str(file))
            cells[arm][f"{minutes:g}"] = found
            print(f"{family} {size} {minutes:g} min {arm}: {found}", flush=True)
    measured(cells=cells)
    write_results(__file__, [family, size])


if __name__ == "__main__":
    main()
