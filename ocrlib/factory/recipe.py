"""A recipe: what a dataset is made of, read from `datasets/NAME.toml`, and its fingerprint.

A recipe has everything that decides the bytes of a dataset. Fonts and corpora are not opened here: `text/` and
`render/` open them, and return their hashes for the fingerprint.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from ocrlib import config
from ocrlib.factory.settings.render import Render
from ocrlib.factory.settings.text import TextSettings
from ocrlib.rounding import ceil_div

TOP_LEVEL_KEYS = ("name", "seed")
MAX_SHARDS = 100_000  # of a dataset: each is a task, an entry of the manifest and a file or two


def _name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise ValueError("must be a folder name of letters, digits, '.', '_' and '-'")
    return name


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class Splits:
    """`[splits]`: the number of lines in each split."""

    train: Annotated[int, Field(ge=1)]
    """Lines to learn from."""
    val: Annotated[int, Field(ge=0)] = 0
    """Lines to choose the best epoch by; 0 leaves the split out."""
    test: Annotated[int, Field(ge=0)] = 0
    """Lines to measure with; 0 leaves the split out."""


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class Output:
    """`[output]`: the files of a dataset."""

    formats: Annotated[tuple[Literal["tfrecord", "hdf5"], ...], Field(min_length=1)] = ("tfrecord", "hdf5")
    """File formats; the same lines in each."""
    encoding: Literal["raw", "png"] = "raw"
    """How images are stored: as raw pixels, or as PNG."""
    shard_samples: Annotated[int, Field(ge=1, le=1_000_000)] = 5000
    """Lines in a full shard."""


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class Recipe:
    """A whole dataset."""

    name: Annotated[str, AfterValidator(_name)]
    """The dataset's folder, beside the recipe."""
    seed: Annotated[int, Field(ge=0)] = 1
    """The only source of chance: the same seed draws the same lines."""
    text: Annotated[TextSettings, Field(discriminator="source")]
    """What is written in the lines."""
    render: Render = field(default_factory=Render)
    """How the lines look."""
    splits: Splits
    """How many lines there are."""
    output: Output = field(default_factory=Output)
    """How they are stored."""

    def __post_init__(self) -> None:
        num_shards = sum(ceil_div(lines, self.output.shard_samples) for lines in config.to_dict(self.splits).values())
        if num_shards > MAX_SHARDS:
            raise ValueError(
                f"[splits] ask for {num_shards} shards; expected at most {MAX_SHARDS}: fewer lines, or a larger "
                "output.shard_samples"
            )


def load_recipe(path: Path, overrides: Mapping[str, str] | None = None) -> Recipe:
    """Returns the recipe in a TOML file, with {"section.key": text} overrides applied.

    Raises:
      UserError: the file cannot be read, or a key or a value is wrong.
    """
    return config.build(Recipe, config.read_toml(path), overrides or {}, str(path))


def recipe_from_dict(values: Mapping[str, Any], where: str) -> Recipe:
    """Returns the recipe that `config.to_dict` wrote into a manifest; `where` is the file's name for messages."""
    return config.build(Recipe, values, {}, where)


def fingerprint(recipe: Recipe, inputs: Mapping[str, str]) -> str:
    """Returns the SHA-256 (hex) of everything that decides the bytes of a sample.

    Args:
      recipe: the sizes of its splits and its file formats are left out, so that a dataset can grow. So is
        `max_outside`: it decides whether there are samples, not which.
      inputs: {what: hash or version} of the corpus, fonts, backgrounds and libraries.
    """
    canonical = config.to_dict(recipe)
    del canonical["splits"], canonical["output"]["formats"]
    for text in (canonical["text"], *(part["text"] for part in canonical["text"].get("parts", ()))):
        text.pop("max_outside", None)
    # The same file in another folder is the same data: `inputs` has the hash of what is in it.
    for text in (canonical["text"], *(part["text"] for part in canonical["text"].get("parts", ()))):
        for key in ("path", "corpus"):
            if "/" in text.get(key, "") and not text[key].startswith("live:"):
                text[key] = Path(text[key]).name
    text = json.dumps({"recipe": canonical, "inputs": dict(inputs)}, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
