"""How long the parts of a run take on a device, from what there is to compute.

Constants were measured on a CPU core and are those of a consumer GPU; the estimates are good to about a factor of two,
and ``train --dry-run`` measures instead.
"""

from __future__ import annotations

from tunesmith.data.machine import usable_cores
from tunesmith.data.workers import WorkersWanted, worker_count
from tunesmith.planning.work import GeneratedAudio, Work
from tunesmith.records.base_model import ModelCard
from tunesmith.texts import Message, msg

CPU_FLOPS = 50e9  # per core, fp32: 17.4 CPU-s for a step of musicgen-small on 10 s (one AVX2 core)
GPU_FLOPS = 30e12  # sustained in bf16 by a consumer GPU of the 24 GB class
GPU_LAYER_SECONDS = 0.92e-3  # launching the kernels of one layer forward and backward; small batches never beat it
CPU_LAYER_SECONDS = 4.0e-3  # the same on a CPU, in the smallest models
GPU_CALL_SECONDS, CPU_CALL_SECONDS = 0.92e-3, 0.5e-3  # one layer of one frame, or of one sampling step
CPU_ENCODE_SECONDS = 0.36 / 167e6  # CPU-s per second of audio and parameter of the frozen encoders
CPU_DECODE_SECONDS = 12 / 420e6  # CPU-s per second of audio and parameter of the decoder, with guidance
GPU_OVER_CPU = 20  # how much faster a GPU runs the frozen encoders
CLIP_SECONDS, SOUND_SECONDS = 0.02, 1 / 200  # calling encoders on a clip; reading and resampling a second of it
WORKER_SECONDS, WORKER_BYTES = 6.0, 0.8e9  # CPU-s until a process has imported what encodes, and what that takes
SECOND_BYTES = 43e6  # that encoding takes per second of a piece: MusicGen's at real size, which takes most
PIECE_SECONDS = 30.0  # longer clips are encoded in pieces of no more
THREADS_POWER = 0.55  # of the cores: how many times as fast one process encodes on all (1.47 on two, EnCodec and T5)
LISTEN_SECONDS = 0.06  # measuring a second of generated audio
READ_BYTES, START_SECONDS = 400e6, 2.0  # reading weights, per second; what every stage takes before it begins
REPORT_SECONDS = 3.0


def encoding_workers(
    wanted: WorkersWanted, card: ModelCard, clips: int, seconds: float, longest: float, *, pocket: bool
) -> int:
    """Processes that encode clips on a CPU; 1 stands for none beside the command's own.

    Args:
        wanted: The recipe's ``data.workers``.
        card: The base model's.
        clips: How many are to be encoded.
        seconds: Their length in all.
        longest: Of the longest one.
        pocket: Whether the model is one that ships, on which torch computes on one thread.
    """
    frozen = max(0, card.parameters - card.trained_parameters)
    weights = 4.0 * frozen
    return worker_count(
        wanted,
        clips,
        seconds * (frozen * CPU_ENCODE_SECONDS + SOUND_SECONDS) + clips * CLIP_SECONDS,
        WORKER_SECONDS + weights / READ_BYTES,
        WORKER_BYTES + weights + min(longest, PIECE_SECONDS) * SECOND_BYTES,
        1.0 if pocket else float(usable_cores() ** THREADS_POWER),
    )


def cores(work: Work) -> int:
    """Cores that torch computes on: one for the models that ship, on which a second one only costs."""
    from tunesmith.pocket.shipped import is_pocket

    return 1 if is_pocket(work.recipe.model.path) else usable_cores()


def seconds_by_part(work: Work, kind: str) -> dict[str, float]:
    """Seconds of every part of ``tunesmith run`` on a ``GPU`` or ``CPU``, in its order."""
    audio, start = work.audio, START_SECONDS + work.card.weights_bytes / READ_BYTES
    training = training_seconds(work, kind)
    encoders = max(0, work.card.parameters - work.card.trained_parameters)
    encoding = work.clips.total * encoders * CPU_ENCODE_SECONDS
    parts = {
        "encoding": start + (encoding / GPU_OVER_CPU if kind == "GPU" else encoding / encoding_speed(work)),
        "training": start + training,
        "base style": generation_seconds(work, audio["base style"], kind),
        "previews": preview_seconds(work, training, kind),
        "generate": start + generation_seconds(work, audio["generate"], kind),
        "evaluate": start + sum(generation_seconds(work, audio[name], kind) for name in ("evaluate", "strengths")),
        "report": REPORT_SECONDS,
    }
    return {name: seconds for name, seconds in parts.items() if seconds}


def encoding_speed(work: Work) -> float:
    """How many times as fast as one core clips are encoded."""
    clips, pocket = work.clips, cores(work) == 1
    longest = max((*clips.train, *clips.valid), default=0.0)
    wanted = work.recipe.data.workers
    count = encoding_workers(wanted, work.card, clips.count, clips.total, longest, pocket=pocket)
    if count == 1:
        return float(cores(work) ** THREADS_POWER)
    return float(min(count, usable_cores()))


def training_seconds(work: Work, kind: str) -> float:
    """Updates and held-out measurements alone."""
    if kind == "GPU":
        return max(work.training_flops / GPU_FLOPS, work.layer_steps * GPU_LAYER_SECONDS)
    return work.training_flops / (CPU_FLOPS * cores(work)) + work.layer_steps * CPU_LAYER_SECONDS


def preview_seconds(work: Work, training: float, kind: str) -> float:
    """Previews as far as their share of the training time reaches; the first and the last round are always made."""
    rounds = work.preview_rounds
    if not rounds:
        return 0.0
    one = generation_seconds(work, work.previews(1), kind)
    return min(rounds * one, max(min(2, rounds) * one, work.recipe.previews.max_share * training))


def generation_seconds(work: Work, audio: GeneratedAudio, kind: str) -> float:
    """Audio made and measured: frame by frame, or in passes over the whole clip where the model denoises."""
    card, passes = work.card, work.card.passes
    calls = work.layers * (passes * audio.in_a_row / audio.seconds if passes else audio.in_a_row * card.frame_rate)
    frozen = max(0, card.parameters - card.trained_parameters)
    decoding = audio.total * (frozen * CPU_ENCODE_SECONDS + card.inversion_seconds)
    flops = audio.total * 2 * card.trained_parameters * card.frame_rate * passes
    if kind == "GPU":
        made = max(flops / GPU_FLOPS, calls * GPU_CALL_SECONDS) + decoding / GPU_OVER_CPU
    else:
        frames = audio.total * card.trained_parameters * CPU_DECODE_SECONDS
        computed = flops / CPU_FLOPS if passes else frames
        made = (computed + decoding) / cores(work) + calls * CPU_CALL_SECONDS
    return made + audio.total * LISTEN_SECONDS


def assumed(work: Work, kind: str) -> Message:
    """The speed that the seconds follow from."""
    if kind == "GPU":
        return msg("{speed:.0f} TFLOP/s sustained (a consumer GPU of the 24 GB class)", speed=GPU_FLOPS / 1e12)
    return msg("{speed:.0f} GFLOP/s on each of {cores} cores", speed=CPU_FLOPS / 1e9, cores=cores(work))
