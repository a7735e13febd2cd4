"""A tiny recipe and `generate_data.py` as a user runs it: shared by the tests of the generating half."""

import hashlib
import os
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT_S = 120

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


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a run of the script ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def messages(self) -> list[str]:
        """The lines of standard error, without the progress bar and empty lines."""
        lines = [line.rpartition("\r")[2] for line in self.stderr.split("\n")]
        return [line for line in lines if line.strip() and "img/s]" not in line]


def command(recipe: Path, *arguments: object) -> list[str]:
    """The command line of `generate_data.py`."""
    return [sys.executable, str(ROOT / "generate_data.py"), str(recipe), *map(str, arguments)]


def generate(recipe: Path, *arguments: object, file_bytes: int | None = None) -> Outcome:
    """Runs `generate_data.py` to its end; with file_bytes no file of its can grow larger."""

    def limit() -> None:
        assert file_bytes is not None
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))

    done = subprocess.run(
        command(recipe, *arguments),
        capture_output=True,
        timeout=TIMEOUT_S,
        cwd=recipe.parent,
        preexec_fn=None if file_bytes is None else limit,
    )
    return Outcome(code=done.returncode, stdout=done.stdout.decode(), stderr=done.stderr.decode())


def shard_hashes(folder: Path) -> dict[str, str]:
    """{file name: SHA-256} of all shard files in a dataset's folder."""
    paths = [path for path in sorted(folder.iterdir()) if path.suffix in (".tfrecord", ".h5")]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def leftovers(folder: Path) -> list[str]:
    """What a finished dataset's folder holds besides its manifest, its shards and its card."""
    known, named = (".tfrecord", ".h5"), ("manifest.json", "card.txt", "preview.png")
    return sorted(name for name in os.listdir(folder) if name not in named and Path(name).suffix not in known)
