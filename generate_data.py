"""Makes a dataset from a recipe: `python generate_data.py datasets/numeric.toml`."""

import os
import signal
import sys
from pathlib import Path

if __name__ == "__main__":
    # Until `run_main` answers Ctrl-C in a line: what is imported below would answer with a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from ocrlib.arguments import Parser, describe, run_main, split_overrides
from ocrlib.factory.recipe import TOP_LEVEL_KEYS, Recipe, load_recipe


def main() -> None:
    """Reads the arguments, makes the dataset and its card, and says what to do next."""
    argv, overrides = split_overrides(sys.argv[1:], TOP_LEVEL_KEYS)
    parser = Parser(
        description="Renders the text lines of a recipe into sharded TFRecord and HDF5 files. Run it again to resume.",
        epilog="Any key of the recipe can be set as --section.key VALUE, such as --splits.train 1000.\n\n"
        f"{describe(Recipe)}",
    )
    parser.add_argument("recipe", type=Path, help="a TOML file, such as datasets/numeric.toml")
    parser.add_argument("--out", type=Path, help="the dataset's folder (default: the recipe's name, beside it)")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes (default: %(default)s)")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--part", metavar="K/N", help="make every N-th shard only, from the K-th on (docs/scale.md)")
    only.add_argument("--commit", action="store_true", help="write the manifest of a dataset made in parts")
    arguments = parser.parse_args(argv)
    if arguments.workers < 1:
        parser.error(f"--workers: expected at least 1, not {arguments.workers}")

    recipe = load_recipe(arguments.recipe, overrides)

    from ocrlib.dataset.card.card import PREVIEW_NAME, is_current, write_card
    from ocrlib.factory.make import (
        make_dataset,
    )  # late: these imports take a second, and a typo should be answered at once

    out = arguments.out or arguments.recipe.parent / recipe.name
    if not arguments.out and recipe.name != arguments.recipe.stem:
        print(f"{arguments.recipe}: goes to {out}, by its name; change the name, or give --out", file=sys.stderr)
    if arguments.part or arguments.commit:
        from ocrlib.factory.parts import Part, commit_parts, make_part

        try:
            part = Part.parse(arguments.part) if arguments.part else None
        except ValueError as error:
            parser.error(f"--part {error}")
        parts = make_part(recipe, out, arguments.workers, part) if part else commit_parts(recipe, out)
        if parts.manifest is None:
            print(f"{out}: part {part} is made; {parts.still_missing}")
            print("next: the other parts; the last one to end finishes the dataset")
            return
        manifest, worked = parts.manifest, True
    else:
        manifest, worked = make_dataset(recipe, out, arguments.workers)
    counts = ", ".join(f"{entry.samples} {split}" for split, entry in manifest.splits.items())
    print(
        f"{out}: {'made' if worked else 'is already there, whole:'} {counts} (fingerprint {manifest.fingerprint[:12]})"
    )
    rejected = ", ".join(f"{reason} {count}" for reason, count in manifest.rejected.items())
    print(f"drawn again: {rejected or 'nothing'}")
    if worked or not is_current(out):
        write_card(out, trust=True)
    print(f"look: {out / PREVIEW_NAME} shows some of its lines; `python -m ocrlib card {out}` tells what it holds")
    print(f"next: python train_from_records.py {out} --run runs/{out.name}")


if __name__ == "__main__":
    run_main(main, "run the same command again to go on from here")
