"""The page's headings and its closed lists of terms, and words that need no translation."""

from __future__ import annotations

from typing import Any

from tunesmith.texts import Message, msg

SECTIONS: dict[str, Message] = {
    "verdict": msg("Verdict"),
    "listen": msg("Listen"),
    "strength": msg("Strength of the adapter"),
    "listening": msg("Listening test"),
    "findings": msg("Findings"),
    "done": msg("What was done"),
    "curves": msg("Curves"),
    "previews": msg("Previews over time"),
    "data": msg("Data"),
    "codec": msg("Codec ceiling"),
    "recipe": msg("Recipe and how to go on"),
}
"""Heading of each section, by its name."""
TERMS: dict[str, dict[str, Message]] = {
    "judgement": {
        "better": msg("better"),
        "worse": msg("worse"),
        "unchanged": msg("unchanged"),
        "unknown": msg("cannot be told"),
    },
    "edit": {
        "clone": msg("clone"),
        "emotion": msg("emotion"),
        "style": msg("style"),
        "speed": msg("speed"),
        "denoise": msg("denoise"),
        "vad": msg("vad (silence removed)"),
        "paralinguistic": msg("paralinguistic"),
        "pronunciation": msg("pronunciation"),
    },
    "kind": {
        "held_out": msg("held-out caption"),
        "user": msg("your prompt"),
        "built_in": msg("built-in prompt"),
        "base_style": msg("base-style prompt"),
    },
    "finding": {
        "better": msg("Better"),
        "worse": msg("Worse"),
        "broken": msg("Broken"),
        "same": msg("Unchanged"),
        "unmeasured": msg("Not measured"),
    },
    "direction": {
        "towards": msg("closer"),
        "away": msg("further away"),
        "unchanged": msg("about the same"),
    },
    "weights": {
        "raw": msg("as trained"),
        "ema": msg("moving average"),
    },
    "event": {
        "warmup_cut": msg("warm-up cut"),
        "changed": msg("changed"),
        "resumed": msg("resumed"),
        "early_stop": msg("early stop"),
        "interrupted": msg("interrupted"),
        "nonfinite": msg("non-finite"),
        "saved": msg("saved"),
        "no_best": msg("no best"),
        "finished": msg("finished"),
        "stage": msg("stage"),
        "not_measured": msg("not measured"),
        "precision": msg("precision"),
        "previews_thinned": msg("previews thinned"),
        "vetoed": msg("previews objected"),
    },
    "gate": {
        "base_loss": msg("base loss"),
        "layout": msg("token layout"),
        "train_equals_eval": msg("train equals eval"),
        "trained_frames": msg("trained frames"),
        "warmup": msg("warm-up"),
        "leakage": msg("leakage"),
    },
    "status": {
        "pass": msg("passed"),
        "warn": msg("warning"),
        "stop": msg("stopped"),
        "off": msg("off"),
    },
    "curve": {
        "train": msg("train"),
        "valid": msg("held-out"),
    },
    "problem": {
        "not_finite": msg("Broken samples (NaN or infinity)"),
        "silent": msg("Silent"),
        "noise": msg("Noise"),
        "fade": msg("Fades out"),
        "dead_tail": msg("Ends early: the rest is dead"),
    },
    "split": {
        "given": msg("as the files say"),
        "by_source": msg("by source track"),
        "within_track": msg("within tracks, with a gap"),
        "none": msg("no held-out clips"),
    },
    "unit": {
        "channels": msg("channels"),
        "characters": msg("characters"),
        "full scale": msg("full scale"),
        "lines": msg("lines"),
        "samples": msg("samples"),
        "syllables/s": msg("syllables/s"),
        "texts": msg("texts"),
        "tokens": msg("tokens"),
    },
    "check": {
        "alike_texts": msg("texts all alike"),
        "altered_copy": msg("pitched or sped-up copy"),
        "antiphase": msg("sides in opposite phase"),
        "audio_tracks": msg("several audio tracks"),
        "beep": msg("beep or watermark"),
        "brickwalled": msg("brickwalled master"),
        "channels": msg("channels"),
        "clipped": msg("clipped"),
        "crackle": msg("clicks and crackle"),
        "dc_offset": msg("DC offset"),
        "dead_channel": msg("dead channel"),
        "dropout": msg("dropouts"),
        "duplicate": msg("duplicate"),
        "encode": msg("encoding"),
        "fade_out": msg("fades out"),
        "family_texts": msg("texts for this model"),
        "file_name_texts": msg("file names as texts"),
        "gap": msg("gap"),
        "header_length": msg("length in the header"),
        "hiss": msg("hiss"),
        "hum": msg("hum"),
        "identical_channels": msg("mono stored twice"),
        "identical_texts": msg("identical texts"),
        "layout": msg("layout"),
        "leakage": msg("leakage"),
        "long_text": msg("long text"),
        "lossy_source": msg("lossy source"),
        "loudness_outlier": msg("loudness outlier"),
        "missing_text": msg("missing text"),
        "mostly_silent": msg("mostly silent"),
        "nan_samples": msg("broken samples"),
        "noise_only": msg("noise only"),
        "noisy_speech": msg("noise under speech"),
        "noisy_tail": msg("noisy end"),
        "overrule": msg("overruled"),
        "prepare": msg("preparation"),
        "replay": msg("replay"),
        "sample_rate": msg("sample rate"),
        "second_voice": msg("second speaker"),
        "silent_labels": msg("silent ends"),
        "speech": msg("speech"),
        "speech_rate": msg("text and recording of unlike length"),
        "text_unknown": msg("unknown text"),
        "too_long": msg("too long"),
        "too_short": msg("too short"),
        "transcript": msg("wrong transcript"),
        "unheard": msg("not listened to"),
        "unreadable": msg("unreadable"),
        "upsampled": msg("upsampled"),
        "wrong_bpm": msg("wrong tempo in the text"),
    },
    "level": {
        "error": msg("error"),
        "warn": msg("warning"),
        "info": msg("note"),
    },
    "stage": {
        "check": msg("check"),
        "encode": msg("encode"),
        "train": msg("train"),
        "generate": msg("generate"),
        "evaluate": msg("evaluate"),
        "report": msg("report"),
    },
}
"""Terms of closed lists: what a record calls something to what the page calls it."""


def term(kind: str, name: Any) -> Message:
    """A term of a closed list (``kind`` ``level``, ``status``…); one that the list lacks stands as it is."""
    known = TERMS[kind].get(name) if isinstance(name, str) else None
    return known or verbatim(name)


def verbatim(value: Any) -> Message:
    """Words that need no translation: names, numbers, what the user wrote."""
    return Message.fixed(str(value))
