"""What the measured numbers are called, and their units."""

from __future__ import annotations

from typing import Any

from tunesmith.report.texts import term
from tunesmith.texts import Message, msg

SIGNALS: dict[str, tuple[Message, str]] = {
    "duration_s": (msg("length"), "s"),
    "sample_rate": (msg("sample rate"), "Hz"),
    "channels": (msg("channels"), ""),
    "nonfinite": (msg("share of broken samples"), ""),
    "lufs": (msg("loudness"), "LUFS"),
    "lra": (msg("loudness range"), "dB"),
    "fade_drop3": (msg("level lost, first to last third"), "dB"),
    "fade_slope": (msg("loudness slope"), "dB/s"),
    "fade_tau": (msg("steadiness of the slope, −1 to 1"), ""),
    "dead_tail_s": (msg("dead tail"), "s"),
    "silence_ratio": (msg("share of silence"), ""),
    "lead_sil_s": (msg("silence at the start"), "s"),
    "trail_sil_s": (msg("silence at the end"), "s"),
    "peak": (msg("peak"), ""),
    "crest_db": (msg("crest factor"), "dB"),
    "dc": (msg("DC offset"), ""),
    "dc_ratio": (msg("DC offset over RMS"), ""),
    "clip_frac": (msg("share of clipped samples"), ""),
    "peak_bin_ratio": (msg("pile-up under the peak"), ""),
    "side_mid_db": (msg("side over mid"), "dB"),
    "stereo_corr": (msg("left-right correlation"), ""),
    "lr_diff_db": (msg("left-right level difference"), "dB"),
    "flatness": (msg("spectral flatness"), ""),
    "flat_white": (msg("flatness without envelope (noise 0.56)"), ""),
    "fine_corr": (msg("persistence of fine structure (noise 0)"), ""),
    "noise_share": (msg("share that is noise"), ""),
    "noise_onset_s": (msg("noise from"), "s"),
    "centroid_hz": (msg("spectral centre"), "Hz"),
    "sub_share": (msg("energy below 120 Hz"), ""),
    "band_edge_hz": (msg("spectrum ends at"), "Hz"),
    "band_drop_db": (msg("fall at that edge"), "dB"),
    "eff_rank": (msg("independent spectral movements"), ""),
    "mel_adj_corr_c": (msg("likeness 40 ms apart"), ""),
    "loop_sim": (msg("likeness at its best lag"), ""),
    "loop_lag_s": (msg("that lag"), "s"),
    "flux": (msg("spectral change"), "dB"),
    "pulse": (msg("strength of the beat"), ""),
    "repeat_share": (msg("share of exact repeats"), ""),
    "repeat_lag_s": (msg("period of the repeats"), "s"),
    "tempo_bpm": (msg("tempo"), "BPM"),
    "tempo_confidence": (msg("trust in the tempo"), ""),
    "low_env_std_db": (msg("movement of the bass"), "dB"),
    "low_env_lag1": (msg("steadiness of the bass"), ""),
    "over_frac": (msg("share of samples that passed full scale"), ""),
    "gain_db": (msg("gain of the file"), "dB"),
    "error_rate": (msg("error rate"), ""),
    "left_out": (msg("left out in a row"), ""),
    "text_length": (msg("words or characters of the text"), ""),
    "spoken_s": (msg("speech without pauses"), "s"),
    "duration_ratio": (msg("speech over what is expected"), ""),
    "target_known": (msg("expected by the recording (else by the prompt's rate)"), ""),
    "stretches": (msg("stretches of speech"), ""),
    "clauses": (msg("clauses of the text"), ""),
    "floor_db": (msg("noise under the voice"), "dB"),
    "speech_rate": (msg("speaking rate"), "syllables/s"),
    "voice_prompt": (msg("likeness to the prompt's voice"), ""),
    "voice_own": (msg("likeness to the speaker"), ""),
}
"""Name of the signal to what it is called and its unit."""


def signal_name(name: Any, *, unit: bool = True) -> Message:
    """What a measured number is called, with its unit; its own name where this table has none."""
    if not isinstance(name, str) or name not in SIGNALS:
        return Message.fixed(str(name))
    called, its_unit = SIGNALS[name]
    return msg("{signal}, {unit}", signal=called, unit=term("unit", its_unit)) if unit and its_unit else called
