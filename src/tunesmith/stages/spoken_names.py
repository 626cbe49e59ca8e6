"""Names that files and recipes hold, as the terminal says them: in English they stand as they are written there."""

from __future__ import annotations

from tunesmith.texts import Message, msg

NAMES: dict[str, Message] = {
    message.id: message
    for message in (
        # checks
        msg("alike_texts"),
        msg("altered_copy"),
        msg("antiphase"),
        msg("audio_tracks"),
        msg("beep"),
        msg("brickwalled"),
        msg("channels"),
        msg("clipped"),
        msg("crackle"),
        msg("dc_offset"),
        msg("dead_channel"),
        msg("dropout"),
        msg("duplicate"),
        msg("encode"),
        msg("fade_out"),
        msg("family_texts"),
        msg("file_name_texts"),
        msg("gap"),
        msg("header_length"),
        msg("hiss"),
        msg("hum"),
        msg("identical_channels"),
        msg("identical_texts"),
        msg("layout"),
        msg("leakage"),
        msg("long_text"),
        msg("lossy_source"),
        msg("loudness_outlier"),
        msg("missing_text"),
        msg("mostly_silent"),
        msg("nan_samples"),
        msg("noise_only"),
        msg("noisy_speech"),
        msg("noisy_tail"),
        msg("overrule"),
        msg("replay"),
        msg("sample_rate"),
        msg("second_voice"),
        msg("silent_labels"),
        msg("speech"),
        msg("speech_rate"),
        msg("text_unknown"),
        msg("too_long"),
        msg("too_short"),
        msg("transcript"),
        msg("unheard"),
        msg("unreadable"),
        msg("upsampled"),
        msg("wrong_bpm"),
        # how a split came about
        msg("given"),
        msg("by_source"),
        msg("within_track"),
        msg("none"),
        # what is encoded
        msg("codes"),
        msg("ids"),
        msg("latents"),
        msg("lyric_sections"),
        msg("lyrics"),
        msg("mel"),
        msg("mu"),
        msg("prompt_codes"),
        msg("prompt_mel"),
        msg("speaker"),
        msg("text"),
        msg("text_parts"),
    )
}


def spoken(name: str) -> Message:
    """A name of these in the reader's language; any other as it is."""
    return NAMES.get(name) or Message.fixed(name)
