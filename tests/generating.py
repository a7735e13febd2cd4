"""A tiny recipe, its dataset as `generate_data.py` makes it, and what can be asked of a dataset's folder."""

import hashlib
import os
from pathlib import Path

from ocrlib.dataset.manifest import read_manifest
from ocrlib.dataset.verify import verify_shards
from tests.programs import ROOT, Outcome, program, run_program

# 6 shards of 25, two of them not full; matplotlib's fonts alone, because trdg's 100 take half a second.
TINY = """\
name = "tiny"
seed = 7

[text]
source = "numeric"
charset = "0123456789.,-"
patterns = [
    { name = "integer", regex = '[0-9]{1,8}', weight = 3 },
    { name = "amount", regex = '-?[1-9][0-9]{0,3}[.,][0-9]{2}' },
]

[render]
height = 32
fonts = ["matplotlib"]
background = { gaussian_noise = 1, plain_white = 1 }
text_color = { "#000000,#A0A0A0" = 3, "#FFFFFF" = 1 }
skew = [0, 2]
random_skew = true
blur = [0.0, 1.2]
margins = [[1, 5], [2, 8], [1, 5], [2, 8]]

[splits]
train = 80
val = 20
test = 20

[output]
shard_samples = 25
"""
TINY_STEMS = [f"train-{index:05d}-of-00004" for index in range(4)] + ["val-00000-of-00001", "test-00000-of-00001"]


def command(recipe: Path, *arguments: object) -> list[str]:
    """The command line of `generate_data.py`."""
    return program(ROOT / "generate_data.py", recipe, *arguments)


def generate(recipe: Path, *arguments: object, max_file_bytes: int | None = None) -> Outcome:
    """Runs `generate_data.py` to its end, in the recipe's folder."""
    script = ROOT / "generate_data.py"
    return run_program(script, recipe, *arguments, folder=recipe.parent, max_file_bytes=max_file_bytes)


def problems_of(folder: Path) -> list[str]:
    """What `verify` finds wrong in a dataset."""
    damaged = verify_shards(folder, read_manifest(folder))
    return [problem for problems in damaged.values() for problem in problems]


def shard_hashes(folder: Path) -> dict[str, str]:
    """{file name: SHA-256} of all shard files in a dataset's folder."""
    paths = [path for path in sorted(folder.iterdir()) if path.suffix in (".tfrecord", ".h5")]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def leftovers(folder: Path) -> list[str]:
    """What a finished dataset's folder holds besides its manifest, its shards and its card."""
    known, named = (".tfrecord", ".h5"), ("manifest.json", "card.txt", "card.html", "README.md", "preview.png")
    return sorted(name for name in os.listdir(folder) if name not in named and Path(name).suffix not in known)
