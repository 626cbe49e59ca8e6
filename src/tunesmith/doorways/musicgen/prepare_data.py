"""``prepare_data.py``: a folder of audio becomes metadata.json, 32 kHz clips and a split by source track."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tunesmith.doorways.common import Parser, run_doorway
from tunesmith.doorways.musicgen.options import COMMANDS, PREPARE_DEFAULTS, TYPES, of_prepare
from tunesmith.errors import TunesmithError
from tunesmith.files import read_json
from tunesmith.run.console import Console
from tunesmith.texts import msg, tr


def prepare_data(argv: Sequence[str] | None = None) -> int:
    """Prepare a dataset, or make example clips."""
    parser = Parser(
        "prepare_data",
        msg("Prepare clips for MusicGen: 32 kHz audio, metadata.json, a train/valid split by track."),
        PREPARE_DEFAULTS,
        TYPES,
        of_prepare,
    )
    parser.value("input_dir", msg("folder of audio, in any layout that tunesmith reads"))
    parser.value("output_dir", msg("where train/, valid/ and the metadata file go"))
    parser.value("metadata_file", msg("name of the metadata file"))
    parser.value("default_text", msg("caption of clips that have none"))
    parser.switch("create_example", msg("make audible example clips instead of reading a folder"))
    parser.value("num_samples", msg("how many example clips"))
    args = parser.read(argv)
    parser.check_config_keys(args, COMMANDS)
    console = Console()
    if args.create_example and ("input_dir" not in args.given or "create_example" in args.given):
        refuse_beside_examples(args.given)
        return _create_example(args.output_dir, args.metadata_file, args.num_samples, console)
    if not args.input_dir:
        raise TunesmithError(
            msg("no clips are named"), remedy=msg("Give --input_dir FOLDER, or --create_example to make some.")
        )
    if "num_samples" in args.given:
        raise TunesmithError(
            msg("--num_samples counts example clips"), remedy=msg("Use it with --create_example only.")
        )
    return _prepare(args.input_dir, args.output_dir, args.metadata_file, args.default_text, console)


def refuse_beside_examples(given: set[str]) -> None:
    """Flags that say something about the user's own clips have no meaning beside ``--create_example``.

    Raises:
        TunesmithError: naming the first of them.
    """
    for name in ("input_dir", "default_text"):
        if name in given:
            raise TunesmithError(
                msg("--create_example and --{name} contradict each other", name=name),
                remedy=msg("Give one of them: example clips are made here and carry their own captions."),
            )


def _prepare(input_dir: str, output_dir: str, metadata_file: str, default_text: str | None, console: Console) -> int:
    from tunesmith.data.prepare import prepare

    steps = {"check": msg("check"), "write": msg("write")}
    with console.progress(msg("prepare"), None) as advance:
        result = prepare(
            Path(input_dir),
            Path(output_dir),
            metadata_file=metadata_file,
            default_text=default_text,
            progress=lambda step, done, total: advance(
                0, tr("{step} {done}/{total}", step=steps[step], done=done, total=total)
            ),
        )
    for finding in result.findings:
        if finding.level == "error":
            console.warn(msg("{clip}: {said}", clip=finding.clip, said=finding.with_remedy()))
    for note in result.notes:
        console.log(note)
    held_out = sum(name.startswith("valid/") for name in result.files.values())
    console.log(
        msg(
            "{train} train and {valid} valid clips in {path}",
            train=len(result.files) - held_out,
            valid=held_out,
            path=output_dir,
        )
    )
    console.log(msg("metadata: {path}", path=str(result.metadata)))
    return 0


def refuse_other_dataset(folder: Path, metadata_file: str) -> None:
    """Example clips never replace a list of the user's own clips.

    Raises:
        TunesmithError: when a metadata file there lists anything but earlier example clips.
    """
    for name in ("metadata.json", metadata_file):
        path = folder / name
        if not path.exists():
            continue
        rows = read_json(path)
        if not isinstance(rows, list) or not all(_is_example(row) for row in rows):
            raise TunesmithError(
                msg("this file lists other clips, which example clips would replace"),
                where=str(path),
                remedy=msg("Give another --output_dir; nothing was changed."),
            )


def _is_example(row: object) -> bool:
    return isinstance(row, dict) and str(row.get("audio")).startswith("train/example-")


def _create_example(output_dir: str, metadata_file: str, number: int, console: Console) -> int:
    from tunesmith.pocket.examples import make_examples

    folder = Path(output_dir)
    refuse_other_dataset(folder, metadata_file)
    make_examples(folder, number)
    if metadata_file != "metadata.json":
        (folder / "metadata.json").replace(folder / metadata_file)
    entries = read_json(folder / metadata_file)
    console.log(
        msg(
            "{count} example clips (808 beats, synthesised) in {folder}; metadata: {metadata}",
            count=len(entries),
            folder=str(folder),
            metadata=str(folder / metadata_file),
        )
    )
    return 0


def main() -> int:
    """Entry of the script."""
    return run_doorway(prepare_data)
