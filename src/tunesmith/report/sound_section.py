"""What is heard over all outputs together, as a table: distances, variety, copies, nearest clips, asked tempi."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tunesmith.evaluation.diagnosis.prompt_followed import met
from tunesmith.evaluation.sound.memorised import FEWEST
from tunesmith.records.sound_comparison import AskedTempo, NearestClips, SoundComparison
from tunesmith.report.gather import ReportData
from tunesmith.report.numbers import UNKNOWN, number
from tunesmith.texts import Message, msg

Row = tuple[Message, str, str, str]
"""What it is; of the base, of the adapter, and of the user's own clips."""


def sound_rows(data: ReportData) -> list[Row]:
    """The rows that have something to show; none for speech, and for evaluations of before."""
    sound = data.comparison.sound if data.comparison else None
    if sound is None:
        return []
    return [*_distance(sound), *_variety(sound), *_copies(sound), *_nearest(sound.nearest), *_tempi(sound.tempi)]


def _distance(sound: SoundComparison) -> list[Row]:
    far = sound.adapter
    if far is None:
        return []
    title = msg(
        "Kernel distance to your clips ({outputs} outputs, {clips} clips)", outputs=far.clips, clips=far.reference
    )
    if sound.ears:
        title = msg(
            "Kernel distance to your clips, by plain statistics and {ears} ({outputs} outputs, {clips} clips)",
            ears=sound.ears,
            outputs=far.clips,
            clips=far.reference,
        )
    own = f"{number(far.null_mean)} ± {number(far.null_spread)}"
    return [(title, number(sound.base.value) if sound.base else UNKNOWN, number(far.value), own)]


def _variety(sound: SoundComparison) -> list[Row]:
    found = sound.variety
    if found is None:
        return []
    title = msg("Difference between two outputs, in the mean")
    return [(title, number(found.base), number(found.adapter), number(found.reference))]


def _copies(sound: SoundComparison) -> list[Row]:
    if not sound.training_clips:
        return []
    title = msg("Outputs that hold a stretch of one of {clips} training clips", clips=sound.training_clips)
    return [(title, UNKNOWN, number(len({copy.prompt for copy in sound.copies})), UNKNOWN)]


def _nearest(near: NearestClips | None) -> list[Row]:
    """How far it is to the nearest training clip and to the nearest held-out one, with what the two together tell."""
    if near is None:
        return []
    rows = [
        (
            msg("Distance to the nearest of {clips} clips that were trained on, in the mean", clips=near.training),
            UNKNOWN,
            number(near.to_training),
            UNKNOWN if near.held_out_to_training is None else number(near.held_out_to_training),
        )
    ]
    told = UNKNOWN if near.to_held_out is None else number(near.to_held_out)
    return [*rows, (_told_by(near), UNKNOWN, told, UNKNOWN)]


def _told_by(near: NearestClips) -> Message:
    if near.p_value is not None:
        return msg(
            "Distance to the nearest of {clips} held-out clips, in the mean (outputs lie as near to training clips "
            "by chance: p = {p_value:.2g})",
            clips=near.held_out,
            p_value=near.p_value,
        )
    if near.needed is None and near.outputs >= FEWEST:
        return msg(
            "Distance to the nearest of {clips} held-out clips, in the mean (whether single clips were memorised "
            "cannot be told, for outputs are so alike that all {outputs} count as {pieces}: {needed} would tell)",
            clips=near.held_out,
            outputs=near.outputs,
            pieces=near.pieces,
            needed=FEWEST,
        )
    if near.needed is None:
        return msg(
            "Distance to the nearest of {clips} held-out clips, in the mean (whether single clips were memorised "
            "cannot be told from {outputs} outputs: {needed} would tell)",
            clips=near.held_out,
            outputs=near.outputs,
            needed=FEWEST,
        )
    return msg(
        "Distance to the nearest of {clips} held-out clips, in the mean (whether single clips were memorised cannot be "
        "told from so few: {needed} would tell)",
        clips=near.held_out,
        needed=near.needed,
    )


def _tempi(tempi: Sequence[AskedTempo]) -> list[Row]:
    if not tempi:
        return []

    def share(heard: Callable[[AskedTempo], float | None]) -> str:
        return f"{sum(met(one.asked, heard(one)) for one in tempi)} / {len(tempi)}"

    return [
        (msg("Outputs at the tempo that was asked for"), share(lambda t: t.base), share(lambda t: t.adapter), UNKNOWN)
    ]
