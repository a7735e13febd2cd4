"""`manifest.json`: the list of all that a dataset holds. What makes datasets writes it, what uses them reads it."""

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from ocrlib import config
from ocrlib.charset import Charset
from ocrlib.dataset.plan import Shard, plan_split
from ocrlib.dataset.recipe_shape import check_recipe
from ocrlib.errors import UserError
from ocrlib.files import json_text, read_json, write_bytes
from ocrlib.invocation import command

FORMAT = "ocrlib-dataset/1"
FILE_NAME = "manifest.json"
WORK_DIR = ".work"  # a folder that an unfinished run leaves behind, for the next one to go on from


# The limits of what a manifest may announce: far beyond what is made, and small enough to be safe to count with.
MAX_SAMPLES = 10**12
MAX_HEIGHT_PX = 4096
MAX_WIDTH_PX = 1 << 16  # of a line; also the widest picture that Pillow is asked to decode for a dataset
_CHECKSUM = "checksum"  # the key of the manifest's own SHA-256; not a field, because it is computed from all fields


def _plain_name(name: str) -> str:
    if name in ("", ".", "..") or any(part in name for part in ("/", "\\", "\0")):
        raise ValueError("must be the name of a file in the dataset's own folder")
    if name.startswith(".") or name.lower() == FILE_NAME:  # locks, work folders, files that are being written
        raise ValueError("must not be the name of one of ocrlib's own files")
    return name


def _split_name(name: str) -> str:
    """A folder of that name is made when a dataset is unpacked, and other programs read it in the README beside it."""
    if not re.fullmatch("[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", name):
        raise ValueError("must be a name of letters, figures, '-', '_' and '.'")
    return name


def _charset(characters: str) -> str:
    return Charset(characters).characters if characters else ""


def _fonts(fonts: dict[str, Any]) -> dict[str, Any]:
    for key, value in fonts.items():
        listed = isinstance(value, list) and all(isinstance(name, str) for name in value)
        told = isinstance(value, dict) and all(isinstance(why, str) for why in value.values())
        if not (told if key == "left_out" else listed if key in ("used", "heldout") else False):
            raise ValueError("must hold the lists `used` and `heldout` of names, and `left_out`: name to reason")
    return fonts


PlainName = Annotated[str, Field(max_length=255), AfterValidator(_plain_name)]  # as long as a file system takes
SplitName = Annotated[str, AfterValidator(_split_name)]
FileFormat = Literal["tfrecord", "hdf5"]
Count = Annotated[int, Field(ge=0, le=MAX_SAMPLES)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Width = Annotated[int, Field(ge=1, le=MAX_WIDTH_PX)]


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class ShardFile:
    """A file of a shard: its name in the folder, its size, its SHA-256 (hex)."""

    name: PlainName
    bytes: Annotated[int, Field(ge=0, lt=2**63)]
    sha256: Sha256


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class ShardEntry:
    """A finished shard: the same samples in the same order in each of its files.

    Attributes:
      stem: the files' names without their endings.
      samples: how many it holds.
      files: a file for each format it was written in.
      widths: {width in pixels: samples}, narrowest first.
      rejected: {reason: draws} that were drawn again while the shard was made.
    """

    stem: PlainName
    samples: Annotated[int, Field(ge=1, le=MAX_SAMPLES)]
    files: Annotated[dict[FileFormat, ShardFile], Field(min_length=1)]
    widths: dict[Width, Count]
    rejected: dict[str, Count] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if sum(self.widths.values()) != self.samples:
            counted = sum(self.widths.values())
            raise ValueError(f"counts {self.samples} samples, but widths of {counted}; was it edited?")


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class SplitEntry:
    """A split: its samples and its shards in order."""

    samples: Count
    shards: tuple[ShardEntry, ...]

    def __post_init__(self) -> None:
        counted = sum(shard.samples for shard in self.shards)
        if counted != self.samples:
            raise ValueError(f"counts {self.samples} samples, but its shards {counted}; was it edited?")


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class ImageShape:
    """What all images share: height in pixels, channels, stored encoding."""

    height: Annotated[int, Field(ge=1, le=MAX_HEIGHT_PX)]
    channels: Literal[1, 3]
    encoding: Literal["raw", "png"]


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class Outside:
    """Lines of a text source that were left out, because the charset lacks characters of theirs.

    Attributes:
      lines, of: how many were left out, and of how many.
      characters: {character: lines left out that have it}, the commonest first.
    """

    lines: Count
    of: Count
    characters: dict[Annotated[str, Field(min_length=1, max_length=1)], Count]


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class Manifest:
    """A whole dataset, as `manifest.json` lists it.

    Attributes:
      format: FORMAT; a file with another one is refused.
      name: of the recipe.
      fingerprint: the SHA-256 (hex) of all that shaped the samples.
      recipe: what the dataset was made from.
      charset: the characters that the labels may hold.
      image: what all images share.
      splits: by name, in order.
      rejected: {reason: draws} over all shards.
      fonts: `used` and `heldout` by name, `left_out` {name: why}.
      environment: {package: version} at the time it was made.
      outside_charset: what the text source left out for characters that the charset lacks.
    """

    format: str
    name: str
    fingerprint: Sha256
    recipe: Annotated[dict[str, Any], AfterValidator(check_recipe)]
    charset: Annotated[str, AfterValidator(_charset)]
    image: ImageShape
    splits: dict[SplitName, SplitEntry]
    rejected: dict[str, Count]
    fonts: Annotated[dict[str, Any], AfterValidator(_fonts)]
    environment: dict[str, str]
    outside_charset: Outside | None = None

    def __post_init__(self) -> None:
        names = Counter(file.name for shard in self.shards for file in shard.files.values())
        names.update(shard.stem for shard in self.shards)
        twice = [name for name, count in names.items() if count > 1]
        if twice:
            raise ValueError(f"lists {twice[0]!r} twice; was it edited?")

    @property
    def imported(self) -> bool:
        """Whether the lines are pictures that were there, and not drawn from a recipe."""
        return self.recipe.get("text", {}).get("source") == "import"

    @property
    def shards(self) -> list[ShardEntry]:
        """All shards, split by split."""
        return [shard for split in self.splits.values() for shard in split.shards]

    @property
    def plan(self) -> list[Shard]:
        """The place of each of `shards` in its split, in the same order."""
        return [
            planned
            for name, split in self.splits.items()
            for planned in plan_split(name, [shard.samples for shard in split.shards])
        ]

    @property
    def font_sources(self) -> list[str]:
        """The sets, folders and files of fonts that the recipe names."""
        fonts = (self.recipe.get("render") or {}).get("fonts", ())
        return [item["source"] if isinstance(item, dict) else item for item in fonts]

    @property
    def num_samples(self) -> int:
        """How many samples all splits hold together."""
        return sum(split.samples for split in self.splits.values())


def read_manifest(folder: Path) -> Manifest:
    """Returns the manifest of the dataset in `folder`.

    Raises:
      UserError: no such folder, no (finished) dataset in it, or a manifest that cannot be trusted.
    """
    path = folder / FILE_NAME
    try:
        is_folder = folder.is_dir()
    except OSError as error:  # such as a name that is too long
        raise UserError(f"{folder}: cannot be read: {error.strerror}") from None
    if not is_folder:
        raise UserError(f"{folder}: no such folder; make a dataset with `{command('data', 'RECIPE.toml')}`")
    if not os.path.lexists(path):
        if (folder / WORK_DIR).is_dir():
            raise UserError(f"{folder}: is half-finished; run the command that made it again to go on")
        raise UserError(f"{folder}: is no dataset: it has no {FILE_NAME}")
    try:
        values = read_json(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read: {error}") from None
    return manifest_of(values, str(path))


def manifest_of(values: Any, where: str) -> Manifest:
    """Returns the manifest that the value of a JSON file stands for.

    Args:
      values: of the whole file.
      where: the file's name, for messages.

    Raises:
      UserError: it is no manifest, or cannot be trusted.
    """
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        given = repr(values.get("format") if isinstance(values, dict) else None)[:80]
        raise UserError(f"{where}: expected format {FORMAT!r}, not {given}; is it from another version?")
    # Manifests of earlier versions have no checksum. They are still read: it finds accidents, not forgers, who can
    # compute it as well; what a forger changes is found by comparing the manifest with what the shards hold.
    if values.pop(_CHECKSUM, None) not in (None, checksum := _checksum_of(values)):
        raise UserError(
            f"{where}: changed since it was written (its SHA-256 is {checksum[:12]}...); copy the dataset again, or "
            f"remove the key {_CHECKSUM!r} if you edited it yourself"
        )
    return config.build(Manifest, values, {}, where)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes `manifest.json`: it comes last, because a folder that has one is a finished dataset."""
    write_bytes(folder / FILE_NAME, manifest_text(manifest).encode())


def manifest_text(manifest: Manifest) -> str:
    """Returns the text of a `manifest.json`."""
    values = config.to_dict(manifest)
    return json_text(values | {_CHECKSUM: _checksum_of(values)})


def _checksum_of(values: Mapping[str, Any]) -> str:
    """Returns the SHA-256 (hex) of a manifest's keys and values, however they are laid out in the file."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
