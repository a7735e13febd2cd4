"""The layouts that a dataset is unpacked into, a function each; every one keeps the splits apart."""

import csv
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import lmdb
import pyarrow
import pyarrow.parquet

from ocrlib.dataset.manifest import Manifest
from ocrlib.dataset.sample import Sample, encode_image
from ocrlib.errors import UserError
from ocrlib.imports.lmdb_base import COUNT_KEY, image_key, label_key

# The shards of one split in order: (place of the shard in the split, its samples).
Shards = Iterator[tuple[int, list[Sample]]]

_LMDB_BYTES = 1 << 40  # the most that a base may hold; nothing is taken up before it is written
_ROWS_OF_A_GROUP = 1000  # of a parquet file: about 5 MB
_SIZES = [(1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M")]


def _png(sample: Sample) -> bytes:
    return encode_image(sample.image, "png")


def _write_picture(folder: Path, sample: Sample) -> None:
    """Writes a picture named by its sample, in the place of no other one."""
    try:
        with open(folder / f"{sample.id}.png", "xb") as file:
            file.write(_png(sample))
    except FileExistsError:
        raise UserError(f"sample {sample.id}: is twice in the dataset; one would take the place of the other") from None


def _write_pairs(out: Path, split: str, shards: Shards) -> None:
    """train/ID.png with train/ID.gt.txt: ocropy, kraken, calamari, tesstrain."""
    (out / split).mkdir()
    for _, samples in shards:
        for sample in samples:
            _write_picture(out / split, sample)
            (out / split / f"{sample.id}.gt.txt").write_text(f"{sample.text}\n", encoding="utf-8")


def _write_paddle(out: Path, split: str, shards: Shards) -> None:
    """rec_gt_train.txt with train/ID.png, a tab and the text."""
    (out / split).mkdir()
    with open(out / f"rec_gt_{split}.txt", "w", encoding="utf-8") as file:
        for _, samples in shards:
            for sample in samples:
                _write_picture(out / split, sample)
                file.write(f"{split}/{sample.id}.png\t{sample.text}\n")


def _write_csv(out: Path, split: str, shards: Shards) -> None:
    """train/labels.csv with the columns filename and words beside the pictures: EasyOCR."""
    (out / split).mkdir()
    with open(out / split / "labels.csv", "w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["filename", "words"])
        for _, samples in shards:
            for sample in samples:
                _write_picture(out / split, sample)
                rows.writerow([f"{sample.id}.png", sample.text])


def _write_lmdb(out: Path, split: str, shards: Shards) -> None:
    """train/data.mdb with image-000000001 and label-000000001: deep-text-recognition-benchmark, PaddleOCR."""
    (out / split).mkdir()
    number = 0
    with lmdb.open(str(out / split), map_size=_LMDB_BYTES) as base:
        for _, samples in shards:
            with base.begin(write=True) as view:
                for sample in samples:
                    number += 1
                    view.put(image_key(number), _png(sample))
                    view.put(label_key(number), sample.text.encode())
                view.put(COUNT_KEY, str(number).encode())


def _write_parquet(out: Path, split: str, shards: Shards) -> None:
    """data/train-00000.parquet with an image (bytes, path) and a text: Hugging Face datasets."""
    (out / "data").mkdir(exist_ok=True)
    image = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    features = {"image": {"_type": "Image"}, "text": {"dtype": "string", "_type": "Value"}}
    schema = pyarrow.schema(
        [("image", image), ("text", pyarrow.string())],
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )
    for index, samples in shards:
        rows = [{"image": {"bytes": _png(s), "path": f"{s.id}.png"}, "text": s.text} for s in samples]
        table = pyarrow.Table.from_pylist(rows, schema=schema)
        path = out / "data" / f"{split}-{index:05d}.parquet"
        pyarrow.parquet.write_table(table, path, row_group_size=_ROWS_OF_A_GROUP)


def _write_webdataset(out: Path, split: str, shards: Shards) -> None:
    """train-000000.tar with ID.png and ID.txt."""
    for index, samples in shards:
        with tarfile.open(out / f"{split}-{index:06d}.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
            for sample in samples:
                for ending, data in (("png", _png(sample)), ("txt", sample.text.encode())):
                    member = tarfile.TarInfo(f"{sample.id}.{ending}")
                    member.size = len(data)
                    tar.addfile(member, io.BytesIO(data))


WRITERS: dict[str, Callable[[Path, str, Shards], None]] = {
    "pairs": _write_pairs,
    "paddle": _write_paddle,
    "csv": _write_csv,
    "lmdb": _write_lmdb,
    "parquet": _write_parquet,
    "webdataset": _write_webdataset,
}


def hub_card(manifest: Manifest) -> str:
    """Returns the README.md that Hugging Face shows, its YAML head first."""
    filled = {split: entry for split, entry in manifest.splits.items() if entry.samples}
    files = "\n".join(f"      - split: {split}\n        path: data/{split}-*.parquet" for split in filled)
    counts = "\n".join(f"    - name: {split}\n      num_examples: {entry.samples}" for split, entry in filled.items())
    size = next((name for limit, name in _SIZES if manifest.num_samples < limit), "n>1M")
    lines = ", ".join(f"{entry.samples} in `{split}`" for split, entry in filled.items())
    return f"""---
pretty_name: {json.dumps(manifest.name)}
task_categories:
  - image-to-text
tags:
  - ocr
size_categories:
  - {size}
configs:
  - config_name: default
    data_files:
{files}
dataset_info:
  features:
    - name: image
      dtype: image
    - name: text
      dtype: string
  splits:
{counts}
---

# {manifest.name}

Lines of text with what they say, written by `ocrlib unpack`: {lines}.

- Images are {manifest.image.height} pixels high, {"gray" if manifest.image.channels == 1 else "RGB"}.
- The labels are made of {len(manifest.charset)} characters: `{manifest.charset}`
- The fingerprint of the dataset is `{manifest.fingerprint}`.

```python
from datasets import load_dataset

lines = load_dataset("path/to/this/folder")
print(lines["{next(iter(filled))}"][0]["text"])
```
"""
