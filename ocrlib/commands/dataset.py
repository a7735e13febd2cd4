"""`python -m ocrlib verify | card`: whether a dataset is what its manifest says, and what it holds."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from ocrlib import invocation
from ocrlib.arguments import place, whole_number
from ocrlib.commands.imports import check_again
from ocrlib.errors import UserError


def add_commands(commands: Any) -> None:
    """Adds `verify` and `card` to the commands of the parser."""
    command = commands.add_parser("verify", help="check a dataset against its manifest")
    command.add_argument("dataset", type=place)
    command.add_argument(
        "--rerender", type=whole_number(), default=0, metavar="N", help="render N samples again and compare"
    )
    command.add_argument("--repair", action="store_true", help="draw damaged and missing shards again")
    command.add_argument("--workers", type=whole_number(least=1), default=os.cpu_count(), help="processes for --repair")
    command.add_argument(
        "--trust", action="store_true", help="let its recipe open files and addresses outside of the dataset's folder"
    )
    command.set_defaults(run=verify)

    command = commands.add_parser("card", help="tell what a dataset holds, in figures and a picture")
    command.add_argument("dataset", type=place)
    command.add_argument("--split", help="tell of one split alone (default: all)")
    command.add_argument("--trust", action="store_true", help="write labels in the fonts that its recipe names")
    command.set_defaults(run=card)


def verify(arguments: argparse.Namespace) -> int:
    """Checks counts, hashes and contents of a dataset; mends it with --repair, proves it with --rerender."""
    from ocrlib.dataset.mirror import as_stored
    from ocrlib.dataset.store import is_address

    if arguments.repair and is_address(arguments.dataset):
        raise UserError(
            f"--repair: {arguments.dataset} is in a store, where nothing is drawn again in place; `verify` without it "
            "tells which objects to delete, and the command that made the dataset makes them again"
        )
    with as_stored(arguments.dataset) as folder:
        return _verify(arguments, folder)


def _verify(arguments: argparse.Namespace, folder: Path) -> int:
    """Does what `verify` does, in a folder that is the dataset or a copy of all that a store has of it."""
    from ocrlib.dataset.manifest import read_manifest
    from ocrlib.dataset.mirror import place_of
    from ocrlib.dataset.verify import verify_shards, verify_splits

    where = place_of(folder)
    stored = where != str(folder)
    manifest = read_manifest(folder)
    damaged = verify_shards(folder, manifest)
    problems = [line for lines in damaged.values() for line in lines]
    if problems and arguments.repair:
        from ocrlib.factory.repair import repair

        if manifest.imported:
            raise UserError(f"{folder}: was imported; delete it and import again, damaged shards cannot be drawn again")
        print("\n".join(problems))
        problems = repair(folder, manifest, damaged, arguments.workers, arguments.trust)
        if not problems:
            print(f"{folder}: {len(damaged)} {'shard' if len(damaged) == 1 else 'shards'} drawn again")
    if not problems:
        problems = verify_splits(folder, manifest)
    num_again = min(arguments.rerender, manifest.num_samples)
    if not problems and num_again:
        from ocrlib.factory.repair import rerender

        problems = (check_again if manifest.imported else rerender)(folder, manifest, num_again, arguments.trust)
    if problems:
        print("\n".join(problems).replace(str(folder), where), file=sys.stderr)
        hint = f"; `{invocation.command('verify', folder, '--repair')}` draws damaged shards again"
        hint = "" if arguments.repair or manifest.imported else hint
        if stored:
            hint = "; delete these objects, and the command that made the dataset makes them again"
        told = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        print(f"{where}: {told} in {len(manifest.shards)} shards{hint}", file=sys.stderr)
        return 1
    how = "imported" if manifest.imported else "rendered"
    again = f", {num_again} samples {how} again to the same bytes" if num_again else ""
    print(f"{where}: {len(manifest.shards)} shards as the manifest says{again}")
    return 0


def card(arguments: argparse.Namespace) -> int:
    """Writes a dataset's card and preview into its folder, and prints the card."""
    from ocrlib.dataset.card.stored import write_card_at

    print(write_card_at(arguments.dataset, arguments.split, arguments.trust), end="")
    return 0
