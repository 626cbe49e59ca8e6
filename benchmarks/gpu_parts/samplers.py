"""How many times real time the samplers are at full size, batch 1 and 8, without the codecs; floors beside them.

MusicGen and EditX's LLM read all weights for every frame or id, however many rows share it; ACE-Step's passes are
arithmetic. Guidance and steps are the families' defaults.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch

from gpu_parts.bench import free, gemm_rate, wait
from gpu_parts.cases import CAPTION_TOKENS, LYRIC_TOKENS, MUSIC, SONG, SPEECH, VOICE, Case, Place, speech_codes
from gpu_parts.floors import H200_BYTES, peak_flops, song_forward
from gpu_parts.steps import Figures, Step
from tunesmith.families.ace_step.config import NETWORK as SONG_NETWORK
from tunesmith.families.ace_step.sampler.request import LatentRequest, SongPrompt, uses_weak_tags
from tunesmith.families.ace_step.sampler.sample import sample
from tunesmith.families.ace_step.sizes import passes
from tunesmith.families.contract import Family
from tunesmith.families.musicgen.config import NETWORK as MUSIC_NETWORK
from tunesmith.families.musicgen.sampler import CodeSampler, SamplerConditions, Sampling
from tunesmith.families.step_audio.config import FLOW, GROUP, GROUP_SECONDS, LLM
from tunesmith.families.step_audio.parts.cfm import inference
from tunesmith.families.step_audio.parts.decode import generate
from tunesmith.families.step_audio.tokens import flow_tokens

SECONDS = {MUSIC.name: 6.0, SONG.name: 60.0, SPEECH.name: 3.6, VOICE.name: 6.0}
DRY_SECONDS, PROMPT_SECONDS = 0.48, 6.0
Made = tuple[Callable[[float], float], float]
"""Makes audio of so many seconds a row and returns the seconds of all; the floor, in times real time."""


def samplers(place: Place) -> list[Step]:
    """Every sampler at batch 1 and 8."""
    makers: tuple[tuple[Case, Any], ...] = ((MUSIC, music), (SPEECH, speech), (SONG, song), (VOICE, voice))
    return [
        Step(f"{case.name}, batch {batch}", 25.0, partial(real_time, case, make, batch, place))
        for case, make in makers
        for batch in (1, 8)
    ]


def real_time(case: Case, make: Any, batch: int, place: Place) -> Figures:
    """Seconds of audio per second, after a short unmeasured one."""
    free(place.device)
    dtype = torch.bfloat16 if place.device == "cuda" else torch.float32
    family = case.open("full", place, device=place.device, dtype=dtype)
    work, floor = make(family, batch, place)
    seconds = DRY_SECONDS if place.dry else SECONDS[case.name]
    work(DRY_SECONDS)
    wait(place.device)
    begun = time.perf_counter()
    made = work(seconds)
    wait(place.device)
    took = time.perf_counter() - begun
    return {"times_real_time": made / took, "floor_times_real_time": floor, "s": took, "audio_s": made}


def loaded(family: Family, name: str, place: Place) -> Any:
    """A base network as a finished run generates with it."""
    kept = name in family.networks.full_precision or place.device == "cpu"
    network = family.networks.load((name,))[name]
    return network.to(place.device, torch.float32 if kept else torch.bfloat16).eval()


def _bytes(network: Any) -> float:
    return float(sum(p.numel() * p.element_size() for p in network.parameters()))


def music(family: Family, batch: int, place: Place) -> Made:
    """MusicGen's codes."""
    network, config = loaded(family, MUSIC_NETWORK, place), family.checkpoint.config
    settings, sampler = family.settings, CodeSampler(network, config)
    conditions = SamplerConditions(
        torch.randn(batch, CAPTION_TOKENS, config.text_size), torch.ones(batch, CAPTION_TOKENS)
    )
    draw = Sampling(settings.guidance, settings.temperature, settings.top_k)

    def work(seconds: float) -> float:
        codes = sampler.sample(conditions, round(seconds * config.frame_rate), list(range(batch)), draw)
        return float(batch * codes.shape[-1] / config.frame_rate)

    return work, batch / (config.frame_rate * _bytes(network) / H200_BYTES)


def speech(family: Family, batch: int, place: Place) -> Made:
    """The LLM's codes after a prompt of 6 s."""
    network, ids = loaded(family, LLM, place), family.checkpoint.ids
    prompt = torch.randint(ids.eot + 2, ids.audio_base, (40,)).tolist()
    prompt += speech_codes(ids, DRY_SECONDS if place.dry else PROMPT_SECONDS, np.random.default_rng(0)).tolist()

    def work(seconds: float) -> float:
        most = GROUP * round(seconds / GROUP_SECONDS)
        answers = generate(network, [prompt] * batch, ids=ids, seeds=list(range(batch)), max_new=most)
        return sum(map(len, answers)) / GROUP * GROUP_SECONDS

    return work, batch * GROUP_SECONDS / GROUP / (_bytes(network) / H200_BYTES)


def song(family: Family, batch: int, place: Place) -> Made:
    """ACE-Step's latents."""
    network, settings, sizes = (
        loaded(family, SONG_NETWORK, place),
        family.settings,
        family.checkpoint.config.transformer,
    )
    text = torch.randn(CAPTION_TOKENS, sizes.text_embedding_dim)
    lyrics = torch.randint(3, sizes.lyric_encoder_vocab_size, (8 if place.dry else LYRIC_TOKENS,))
    prompt = SongPrompt(
        text,
        lyrics,
        text_weak=text if uses_weak_tags(settings) else None,
        speaker=torch.zeros(sizes.speaker_embedding_dim),
    )
    rate = family.checkpoint.config.frame_rate

    def work(seconds: float) -> float:
        frames = max(1, round(seconds * rate))
        requests = [LatentRequest(prompt, seed, settings, frames=frames, frame_rate=rate) for seed in range(batch)]
        with torch.autocast(place.device, torch.bfloat16, enabled=network.dtype != torch.float32):
            made = sample(network, requests, torch.device(place.device))
        return sum(latents.shape[-1] for latents in made) / rate

    seconds = SECONDS[SONG.name]
    flops = passes(settings) * song_forward(sizes, round(seconds * rate), 1 + len(text) + len(lyrics))
    return work, seconds * peak_flops(place.device, gemm_rate(place.device)) / flops


def voice(family: Family, batch: int, place: Place) -> Made:
    """The flow's mel of given codes; its steps are launches more than arithmetic, so that it has no floor here."""
    flow, ids, settings = loaded(family, FLOW, place), family.checkpoint.ids, family.settings
    sizes = flow.config
    rng = np.random.default_rng(0)

    def tokens(seconds: float) -> torch.Tensor:
        codes = flow_tokens(speech_codes(ids, seconds, rng), ids)
        return torch.from_numpy(codes)[None].expand(batch, -1, -1).to(place.device)

    prompt = tokens(DRY_SECONDS)
    mel = torch.randn(batch, 2 * prompt.shape[1], sizes.output_size, device=place.device)
    speaker = torch.randn(batch, sizes.spk_embed_dim, device=place.device)

    def work(seconds: float) -> float:
        new = tokens(seconds)
        noise = torch.randn(1, sizes.output_size, 2 * (prompt.shape[1] + new.shape[1]), device=place.device)
        inference(flow, prompt, new, mel, speaker, noise, steps=settings.flow_steps, cfg=sizes.inference_cfg_rate)
        return batch * new.shape[1] / (GROUP - 2) * GROUP_SECONDS

    return work, 0.0
