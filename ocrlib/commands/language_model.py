"""`python -m ocrlib language-model`: makes a language model from texts."""

import argparse
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from ocrlib import invocation
from ocrlib.arguments import new_file, place, whole_number
from ocrlib.commands.reading import MODEL_HELP, add_trust
from ocrlib.errors import UserError
from ocrlib.extras import installed

_MEGABYTE = 1_000_000
_MAX_TEXT_BYTES = 1 << 27  # counting takes some forty times as much memory


def add_commands(commands: Any) -> None:
    """Adds `language-model` to the commands of the parser."""
    command = commands.add_parser("language-model", help="count which characters follow which, for running text")
    command.add_argument(
        "sources",
        nargs="+",
        type=place,
        metavar="SOURCE",
        help="a text in UTF-8, a line each; a dataset, of which the training lines are taken; or a recipe (.toml)",
    )
    command.add_argument("--model", required=True, help=f"whose characters it is for: {MODEL_HELP}")
    command.add_argument("--out", type=new_file, required=True, metavar="FILE.ngram", help="a file for it")
    command.add_argument(
        "--lines",
        type=whole_number(least=1),
        default=100_000,
        metavar="N",
        help="how many to draw from a recipe (default: 100000)",
    )
    command.add_argument(
        "--megabytes", type=whole_number(least=1, most=40), default=3, metavar="N", help="of the file (default: 3)"
    )
    add_trust(command)
    command.set_defaults(run=learn)


def learn(arguments: argparse.Namespace) -> int:
    """Writes a language model of texts, and says how much it was learned from."""
    from tqdm import tqdm

    from ocrlib.network.open import NGRAM_ENDING, open_network
    from ocrlib.reading.decoding.ngram import learn_ngram

    if arguments.out.suffix != NGRAM_ENDING:
        raise UserError(f"{arguments.out}: expected a name that ends in {NGRAM_ENDING}")
    charset = open_network(arguments.model, arguments.trust).charset
    sources = [_texts(source, arguments.lines) for source in arguments.sources]
    # A text that comes often, as in a closed list of a recipe, says no more about running text than once.
    texts = list(dict.fromkeys(tqdm(chain.from_iterable(sources), unit="line", desc="texts")))
    ngram, left_out = learn_ngram(texts, charset, max_bytes=arguments.megabytes * _MEGABYTE)
    ngram.save(arguments.out)
    besides = f", {left_out:,} more left out, which have other characters" if left_out else ""
    how = invocation.command("predict", "--model", arguments.model, "--language-model", arguments.out, "PATH")
    print(
        f"{arguments.out}: {arguments.out.stat().st_size / _MEGABYTE:.1f} MB, of {len(texts) - left_out:,} different "
        f"lines{besides}; go on with `{how}`"
    )
    return 0


def _texts(source: Path | str, num_lines: int) -> Iterator[str]:
    """The lines of a source; a file that is not there is told of before the first."""
    path = Path(source)
    if path.suffix == ".toml":
        return _drawn(path, num_lines)
    if isinstance(source, str) or path.is_dir():
        return _labels(source)
    return _lines(path)


@installed("factory")
def _drawn(path: Path, num_lines: int) -> Iterator[str]:
    """Texts of a recipe's training split, without a picture."""
    from ocrlib.factory.recipe import load_recipe
    from ocrlib.factory.text import open_text

    recipe = load_recipe(path)
    source = open_text(recipe.text, recipe.seed)
    source.check_split("train")
    return (source.draw("train", index, 0).text for index in range(num_lines))


@installed("data")
def _labels(source: Path | str) -> Iterator[str]:
    """Texts of a dataset's training split."""
    from ocrlib.dataset.manifest import read_manifest
    from ocrlib.dataset.mirror import mirrored
    from ocrlib.dataset.shards import shard_columns

    folder = mirrored(source)
    manifest = read_manifest(folder)
    if "train" not in manifest.splits:
        raise UserError(f"{source}: has no training split to learn from")
    shards = manifest.splits["train"].shards
    return (str(text) for shard in shards for text in shard_columns(folder, shard, manifest.image, ["text"])["text"])


def _lines(path: Path) -> Iterator[str]:
    """Lines of a text file, NFC, white space at the ends taken off, empty ones left out."""
    import unicodedata

    from ocrlib.files import read_regular

    try:
        text = read_regular(path, _MAX_TEXT_BYTES, through_links=True).decode("utf-8-sig")
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: expected UTF-8, but byte {error.start} is none; convert it first") from None
    lines = (unicodedata.normalize("NFC", line.strip()) for line in text.splitlines())
    return (line for line in lines if line)
