"""Is a dataset still what its manifest says? Sizes, hashes, readable records, formats that agree, splits kept apart."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ocrlib.dataset.checks import NotAnnounced
from ocrlib.dataset.drawn import in_several_splits, texts_of
from ocrlib.dataset.manifest import Manifest, ShardEntry
from ocrlib.dataset.sample import Sample
from ocrlib.dataset.shards import check_files, read_samples, shard_columns
from ocrlib.dataset.split_keys import check_split_separation


def verify_shards(folder: Path, manifest: Manifest) -> dict[str, list[str]]:
    """Returns {stem: what is wrong with it, a line each} of the damaged shards; an empty dict is good.

    Shows a progress bar on standard error.
    """
    found = {
        shard.stem: verify_shard(folder, manifest, shard)
        for shard in tqdm(manifest.shards, unit="shard", desc="verify")
    }
    return {stem: problems for stem, problems in found.items() if problems}


def verify_shard(folder: Path, manifest: Manifest, shard: ShardEntry) -> list[str]:
    """Returns what is wrong with a shard, a line each; an empty list is good."""
    problems = check_files(folder, shard, hashes=True)
    if problems:
        return problems
    contents = {}
    for file_format, entry in shard.files.items():
        path = folder / entry.name
        try:
            contents[file_format] = read_samples(folder, shard, file_format, manifest.image)
        except NotAnnounced as error:
            problems.append(f"{path}: {error}")
            continue
        except (ValueError, OSError, KeyError, IndexError) as error:
            problems.append(f"{path}: cannot be read: {error}")
            continue
        unknown = sorted(set().union(*(sample.text for sample in contents[file_format])) - set(manifest.charset))
        if unknown:
            problems.append(f"{path}: has characters that the manifest's charset lacks: {' '.join(unknown[:20])}")
    if len(contents) == 2 and not problems:
        for left, right in zip(*contents.values(), strict=True):
            if not same_sample(left, right):
                problems.append(f"{folder / shard.stem}: sample {left.id} differs between TFRecord and HDF5")
    return problems


def same_sample(left: Sample, right: Sample) -> bool:
    """Returns whether two samples are equal to the last pixel."""
    return (
        (left.id, left.text, left.provenance) == (right.id, right.text, right.provenance)
        and left.image.shape == right.image.shape
        and bool(np.array_equal(left.image, right.image))
    )


def verify_splits(folder: Path, manifest: Manifest) -> list[str]:
    """Returns a line for each text that is in two splits, but for case and punctuation; an empty list is good.

    Numbers and closed lists may be (`drawn.in_several_splits`). Of imported lines it is the pictures that may not,
    because two pages may well say the same.

    Raises:
      UserError: a shard cannot be read.
    """
    anywhere = in_several_splits(manifest.recipe)
    if len(anywhere) == len(texts_of(manifest.recipe)):
        return []
    if manifest.imported:
        return _copies(folder, manifest)

    def texts(split: str) -> Iterator[str]:
        for shard in manifest.splits[split].shards:
            columns = shard_columns(folder, shard, manifest.image, ["text", "source"])
            for text, source in zip(columns["text"], columns["source"], strict=True):
                if not source.startswith(anywhere):
                    yield text

    return [f"{folder}: {line}" for line in check_split_separation({s: texts(s) for s in manifest.splits})]


def _copies(folder: Path, manifest: Manifest) -> list[str]:
    """Returns a line for each picture of an imported dataset that is also in another split; raises as above."""
    owner: dict[int, tuple[str, str]] = {}
    problems = []
    for split, entry in manifest.splits.items():
        for shard in entry.shards:
            columns = shard_columns(folder, shard, manifest.image, ["id", "seed"])  # seed: a hash of the image
            for name, image in zip(columns["id"], columns["seed"].tolist(), strict=True):
                first = owner.setdefault(image, (split, name))
                if first[0] != split:
                    problems.append(f"{folder}: sample {name} shows the same picture as {first[1]}")
    return problems
