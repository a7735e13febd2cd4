"""`python -m ocrlib data | recipes`: a recipe becomes a dataset; `generate_data.py` calls the same."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocrlib.arguments import Parser, describe, place, split_overrides
from ocrlib.extras import installed
from ocrlib.invocation import command

if TYPE_CHECKING:
    from ocrlib.dataset.manifest import Manifest

# What drawing needs takes a second to import: a typo is answered before that.


@installed("factory")
def make_data(argv: list[str], prog: str | None = None) -> int:
    """Makes the dataset of a recipe and its card, and says what to do next.

    Args:
      argv: the arguments of the command.
      prog: what the program is called in its messages; without it, by its file's name.
    """
    from ocrlib.factory.recipe import TOP_LEVEL_KEYS, Recipe, load_recipe
    from ocrlib.factory.recipes import find_recipe

    left, overrides = split_overrides(argv, TOP_LEVEL_KEYS)
    parser = _parser(prog, Recipe)
    arguments = parser.parse_args(left)
    if arguments.workers < 1:
        parser.error(f"--workers: expected at least 1, not {arguments.workers}")
    path, folder = find_recipe(arguments.recipe)
    recipe = load_recipe(path, overrides)
    out = arguments.out or folder / recipe.name
    if not arguments.out and recipe.name != path.stem:
        print(f"{path}: goes to {out}, by its name; change the name, or give --out", file=sys.stderr)
    made = _make(parser, arguments, recipe, out, set(overrides))
    if made is not None:
        _tell(out, *made)
    return 0


def _parser(prog: str | None, settings: type) -> Parser:
    parser = Parser(
        prog=prog,
        settings=settings,
        description="Renders the text lines of a recipe into sharded TFRecord and HDF5 files. Run it again to resume.",
        epilog="Any key of the recipe can be set as --section.key VALUE, such as --splits.train 1000.\n\n"
        f"{describe(settings)}",
    )
    parser.add_argument(
        "recipe", help="a TOML file, such as datasets/numeric.toml, or the name of a recipe that comes along"
    )
    parser.add_argument(
        "--out",
        type=place,
        help="the dataset's folder, or its address such as s3://bucket/numeric (default: the recipe's name, beside it)",
    )
    drawn_by = parser.add_mutually_exclusive_group()
    drawn_by.add_argument("--workers", type=int, default=os.cpu_count(), help="processes (default: %(default)s)")
    drawn_by.add_argument(
        "--cluster", metavar="ADDRESS", help="draw on the workers of a dask scheduler; local:8 starts one here"
    )
    only = parser.add_mutually_exclusive_group()
    only.add_argument(
        "--grow", action="store_true", help="a smaller dataset that is there becomes as large as the recipe says"
    )
    only.add_argument("--part", metavar="K/N", help="make every N-th shard only, from the K-th on (docs/scale.md)")
    only.add_argument("--commit", action="store_true", help="write the manifest of a dataset made in parts")
    return parser


def _make(
    parser: Parser, arguments: argparse.Namespace, recipe: Any, out: Path | str, given: set[str]
) -> "tuple[Manifest, bool] | None":
    """Returns the manifest, and whether there was anything to do; None where parts are still missing."""
    from ocrlib.factory.in_store import commit_stored, keep_stored_sizes, make_stored
    from ocrlib.factory.make import make_dataset
    from ocrlib.factory.parts import Part, commit_parts, make_part
    from ocrlib.factory.sizes import keep_sizes, sizes

    if arguments.part is None and not arguments.commit:
        there = keep_stored_sizes(recipe, out, given) if isinstance(out, str) else keep_sizes(recipe, out, given)
        kept = recipe if arguments.grow else there
        if kept != recipe:
            print(f"{out}: stays at {sizes(kept)}; the recipe asks for {sizes(recipe)}, add --grow to draw the rest")
        if isinstance(out, str):
            return make_stored(kept, out, _workers(arguments)).whole
        return make_dataset(kept, out, _workers(arguments))
    try:
        part = None if arguments.part is None else Part.parse(arguments.part)
    except ValueError as error:
        parser.error(f"--part {error}")
    if isinstance(out, str):
        parts = make_stored(recipe, out, _workers(arguments), part) if part else commit_stored(recipe, out)
    else:
        parts = make_part(recipe, out, _workers(arguments), part) if part else commit_parts(recipe, out)
    if parts.manifest is None:
        print(f"{out}: part {part} is made; {parts.still_missing}")
        print("next: the other parts; the last one to end finishes the dataset")
        return None
    return parts.manifest, True


def _workers(arguments: argparse.Namespace) -> Any:
    """Who draws: so many processes, or the pool of a cluster."""
    if arguments.cluster is None:
        return arguments.workers
    from ocrlib.factory.cluster import on_cluster

    return on_cluster(arguments.cluster)


def _tell(out: Path | str, manifest: "Manifest", worked: bool) -> None:
    """Writes the card, and prints what there is now and what to do next."""
    from ocrlib.dataset.card.card import PREVIEW_NAME, is_current, write_card

    counts = ", ".join(f"{entry.samples} {split}" for split, entry in manifest.splits.items())
    print(
        f"{out}: {'made' if worked else 'is already there, whole:'} {counts} (fingerprint {manifest.fingerprint[:12]})"
    )
    if outside := manifest.outside_charset:
        from ocrlib.factory.text.outside import shown_characters

        print(
            f"outside the charset: {outside.lines:,} of {outside.of:,} lines of the text left out, with "
            f"{shown_characters(outside.characters)}; text.charset and text.outside change that"
        )
    rejected = ", ".join(f"{reason} {count}" for reason, count in manifest.rejected.items())
    print(f"drawn again: {rejected or 'nothing'}")
    if isinstance(out, str):  # its card would fetch all that has just been put
        print(f"look: `{command('card', out)}` tells what it holds, in figures and a picture")
        print(f"next: {command('train', out, '--run', Path('runs', manifest.name))}")
        return
    if worked or not is_current(out):
        write_card(out, trust=True)
    print(f"look: {out / PREVIEW_NAME} shows some of its lines; `{command('card', out)}` tells what it holds")
    print(f"next: {command('train', out, '--run', Path('runs', out.name))}")


@installed("data")
def list_recipes(arguments: argparse.Namespace) -> int:
    """Prints the recipes that come with ocrlib, or one of them, to be copied and changed."""
    from ocrlib.errors import UserError
    from ocrlib.factory.recipes import first_line, shipped_recipes

    recipes = shipped_recipes()
    if arguments.name is None:
        for name, path in recipes.items():
            print(f"{name:12} {first_line(path)}")
        print(f"next: {command('data', next(iter(recipes)))}")
        return 0
    if arguments.name not in recipes:
        raise UserError(f"{arguments.name}: no recipe of that name comes along ({', '.join(recipes)})")
    print(recipes[arguments.name].read_text(encoding="utf-8"), end="")
    return 0


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Adds `recipes` to the commands of the parser; `data` and `train` read their own arguments."""
    listing = commands.add_parser("recipes", help="list the recipes that come along; print one of them")
    listing.add_argument("name", nargs="?", metavar="NAME", help="print this one: recipes numeric > mine.toml")
    listing.set_defaults(run=list_recipes)
