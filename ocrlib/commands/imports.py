"""`python -m ocrlib import | unpack`: own pictures to a dataset, and a dataset to what other programs read."""

import argparse
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ocrlib import invocation
from ocrlib.arguments import local_path, place, share, whole_number
from ocrlib.extras import installed

# The layouts by name; `imports.layouts` and `imports.writers` have them, but would bring their libraries with them.
LAYOUTS = ("pairs", "paddle", "csv", "doctr", "lmdb", "alto", "page", "parquet", "webdataset")
WRITTEN_LAYOUTS = ("pairs", "paddle", "csv", "lmdb", "parquet", "webdataset")

# Options of `import` with a name of their own -> the setting that they stand for.
_SHORT = {
    "group": "splits.group",
    "val": "splits.val",
    "test": "splits.test",
    "height": "render.height",
    "channels": "render.channels",
    "charset": "text.charset",
    "encoding": "text.encoding",
}


@installed("factory")
def import_lines(arguments: argparse.Namespace) -> int:
    """Makes a dataset of labelled pictures, or lets it grow; says what became of each, in sum."""
    from ocrlib.dataset.card.card import PREVIEW_NAME, is_current, write_card
    from ocrlib.imports.in_store import import_stored
    from ocrlib.imports.layouts import find_layout
    from ocrlib.imports.make import REJECTED_NAME, import_dataset
    from ocrlib.imports.settings import ImportSource

    given = dict(arguments.overrides)
    for option, key in _SHORT.items():
        if (value := getattr(arguments, option)) is not None:
            given[key] = str(value)
    if arguments.columns:
        given["text.columns"] = json.dumps(arguments.columns)
    pictures = None if arguments.pictures is None else str(arguments.pictures)
    sources = [
        ImportSource(path=str(path), layout=find_layout(path, arguments.layout), pictures=pictures)
        for path in arguments.sources
    ]
    out: Path | str = arguments.out
    if isinstance(out, str):
        imported = import_stored(sources, out, given, arguments.workers, strict=arguments.strict)
    else:
        imported = import_dataset(sources, out, given, arguments.workers, strict=arguments.strict)
        if imported.worked or not is_current(out):
            write_card(out, trust=True)
    manifest = imported.manifest
    counts = {split: entry.samples for split, entry in manifest.splits.items() if entry.samples}
    done = f"{imported.new} new lines" if imported.worked else "is already there, whole"
    shown = ", ".join(f"{number} {split}" for split, number in counts.items())
    print(f"{out}: {done}: {shown} (fingerprint {manifest.fingerprint[:12]})")
    print(_about_splits(manifest.recipe["splits"], counts))
    print(
        f"look: {out}/{PREVIEW_NAME} shows some of its lines; `{invocation.command('card', out)}` tells what it holds"
    )
    print(f"next: {invocation.command('train', out, '--run', Path('runs', manifest.name))}")
    reasons = ", ".join(f"{reason} {number}" for reason, number in manifest.rejected.items())
    where = f", each in {out}/{REJECTED_NAME}" if reasons else ""
    print(f"left out: {sum(manifest.rejected.values())}" + (f" ({reasons}){where}" if reasons else ""))
    return 0


def _about_splits(splits: Mapping[str, Any], counts: Mapping[str, int]) -> str:
    """How the lines were shared out, and what to do where that is not what one wants."""
    if splits["by"] == "source":
        return "split as the source is"
    if splits["val"] and not counts.get("val"):
        if sum(counts.values()) == 1:
            return "nothing is held out, because there is one line only: label more of them and run this again"
        return "nothing is held out, because all lines are of one group: choose another --group"
    unit = {
        "page": "by page or folder, as the names tell; --group REGEX names other groups",
        "line": "line by line, because all are of one page or folder; --group REGEX tells pages apart",
        "regex": "by --group",
    }
    return f"split {unit[splits['unit']]}"


@installed("factory")
def unpack_lines(arguments: argparse.Namespace) -> int:
    """Writes the lines of a dataset for other programs."""
    from ocrlib.imports.unpack import unpack

    counts, spaces = unpack(arguments.dataset, arguments.layout, arguments.out)
    shown = ", ".join(f"{number} {split}" for split, number in counts.items())
    print(f"{arguments.out}: {shown}, as {arguments.layout}")
    if spaces:
        print(f"{spaces} texts begin or end in a space, which most programs leave out")
    return 0


def add_commands(commands: Any) -> None:
    """Adds `import` and `unpack` to the commands of the parser."""
    command = commands.add_parser(
        "import",
        help="make a dataset of labelled pictures",
        description="Makes a dataset of labelled pictures; run again with more pictures, it grows.",
        epilog="Any setting that the manifest's recipe has can be given as --section.key VALUE, such as "
        "--output.encoding png or --render.px_per_step 2.",
    )
    command.add_argument(
        "sources", nargs="+", type=local_path, metavar="SOURCE", help="folders of pictures, or label lists"
    )
    command.add_argument(
        "--out", type=place, required=True, help="the dataset's folder, such as datasets/mine, or its address"
    )
    command.add_argument("--layout", choices=LAYOUTS, help="how the sources are kept (default: by what is there)")
    command.add_argument("--group", metavar="REGEX", help="names in a line's name what no split divides: page, writer")
    command.add_argument("--val", type=share, help="share of the lines that training is watched with (default: 0.1)")
    command.add_argument("--test", type=share, help="share of the lines kept for the end (default: 0)")
    command.add_argument("--height", help="pixels (default: 32, which the shipped models read)")
    command.add_argument("--channels", choices=("1", "3"), help="1: gray, 3: RGB (default: 1)")
    command.add_argument("--charset", help="a name such as latin, or the characters (default: all that are found)")
    command.add_argument("--encoding", help="of texts and lists (default: utf-8)")
    command.add_argument("--columns", nargs=2, metavar=("PICTURE", "TEXT"), help="of a CSV or parquet file, by name")
    command.add_argument("--pictures", type=Path, metavar="FOLDER", help="where a list's paths begin, if not beside it")
    command.add_argument("--strict", action="store_true", help="stop if a single picture or text cannot be used")
    command.add_argument(
        "--workers", type=whole_number(least=1), default=os.cpu_count(), help="processes (default: %(default)s)"
    )
    command.set_defaults(run=import_lines, overrides={})

    command = commands.add_parser("unpack", help="write a dataset's lines as pictures and texts for other programs")
    command.add_argument("dataset", type=place)
    command.add_argument("--layout", choices=WRITTEN_LAYOUTS, required=True, help="how the lines are to be kept")
    command.add_argument("--out", type=Path, required=True, help="a new folder")
    command.set_defaults(run=unpack_lines)


def check_again(folder: Path, manifest: Any, num_samples: int, trust: bool) -> list[str]:
    """Returns what differs when lines of an imported dataset are imported again."""
    from ocrlib.imports.again import import_again

    return import_again(folder, manifest, num_samples, trust)
