"""`manifest.json`: the seam between making a dataset and using it, and the list of all that it holds."""

from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from ocrlib import config
from ocrlib.errors import UserError
from ocrlib.files import read_json

FORMAT = "ocrlib-dataset/1"
FILE_NAME = "manifest.json"
WORK_DIR = ".work"  # what an unfinished run leaves, to be resumed
ENDINGS = {"tfrecord": ".tfrecord", "hdf5": ".h5"}


def _plain_name(name: str) -> str:
    if name in ("", ".", "..") or any(part in name for part in ("/", "\\", "\0")):
        raise ValueError("must be the name of a file in the dataset's own folder")
    return name


PlainName = Annotated[str, AfterValidator(_plain_name)]
FileFormat = Literal["tfrecord", "hdf5"]
Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class ShardFile:
    """A file of a shard: its name in the folder, its size, its SHA-256 (hex)."""

    name: PlainName
    bytes: Count
    sha256: str


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class ShardEntry:
    """A shard: the same samples in the same order in each of its files.

    Attributes:
      widths: {width in pixels: samples}; the keys are strings, as JSON has it.
      rejected: {reason: draws} that were drawn again while the shard was made.
    """

    stem: PlainName
    samples: Annotated[int, Field(ge=1)]
    files: Annotated[dict[FileFormat, ShardFile], Field(min_length=1)]
    widths: dict[str, Count]
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

    height: Annotated[int, Field(ge=1)]
    channels: Literal[1, 3]
    encoding: Literal["raw", "png"]


@dataclass(frozen=True, kw_only=True, config=config.STRICT)
class Manifest:
    """A whole dataset, as `manifest.json` has it."""

    format: str
    name: str
    fingerprint: str
    recipe: dict[str, Any]
    charset: str
    image: ImageShape
    splits: dict[str, SplitEntry]
    rejected: dict[str, Count]
    fonts: dict[str, Any]
    environment: dict[str, Any]


def read_manifest(folder: Path) -> Manifest:
    """Returns the manifest of the dataset in `folder`.

    Raises:
      UserError: no such folder, no (finished) dataset in it, or a manifest that cannot be trusted.
    """
    path = folder / FILE_NAME
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; make a dataset with `python generate_data.py RECIPE.toml`")
    if not path.exists():
        if (folder / WORK_DIR).is_dir():
            raise UserError(f"{folder}: is half-finished; run the same generate_data.py command again to resume it")
        raise UserError(f"{folder}: is no dataset: it has no {FILE_NAME}")
    try:
        values = read_json(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read: {error}") from None
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        given = values.get("format") if isinstance(values, dict) else None
        raise UserError(f"{path}: expected format {FORMAT!r}, not {given!r}; is it from another version?")
    return config.build(Manifest, values, {}, str(path))
