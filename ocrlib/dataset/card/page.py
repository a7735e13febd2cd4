"""The dataset card for a browser and for a hub: `card.html`, one file with all its pictures, and `README.md`."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ocrlib.dataset.card.counts import LineCounts, binned, visible
from ocrlib.dataset.manifest import Manifest
from ocrlib.html.charts import bar_chart
from ocrlib.html.page import png_uri, render_page

MARK = "written by ocrlib"  # in a README.md of ours; one without it is the user's own
_MAX_ROWS = 200  # of a table
_SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000)


def card_page(
    manifest: Manifest, counts: LineCounts, splits: Sequence[str], lines: Sequence[tuple[np.ndarray, str]]
) -> str:
    """Returns `card.html`: the same for the same dataset.

    Args:
      manifest, counts: of the dataset.
      splits: that were counted.
      lines: some images with their labels.
    """
    num_bytes: Counter[str] = Counter()
    for split in splits:
        for shard in manifest.splits[split].shards:
            num_bytes.update({file_format: file.bytes for file_format, file in shard.files.items()})
    made = [("text sources", counts.sources)]
    if not manifest.imported:
        made += [("fonts", counts.fonts), ("backgrounds", counts.backgrounds), ("degradations", counts.degradations)]
    never = [visible(c) for c in manifest.charset if c not in counts.characters]
    values = {
        "title": f"dataset {manifest.name}",
        "manifest": manifest,
        "splits": [(split, manifest.splits[split]) for split in splits],
        "samples": sum(manifest.splits[split].samples for split in splits),
        "num_bytes": num_bytes,
        "lines": [(png_uri(Image.fromarray(pixels)), text) for pixels, text in lines],
        "widest": f"{max(counts.widths)} px, {counts.widest_id}",
        "charts": [
            bar_chart(binned(counts.widths), "width, pixels", "lines"),
            bar_chart(binned(counts.lengths), "length, characters", "lines"),
            bar_chart([(visible(c), n) for c, n in counts.characters.most_common(60)], "character", "times printed"),
        ],
        "never": never,
        "rejected": sorted(manifest.rejected.items(), key=lambda item: -item[1]),
        "tables": [
            (kind, counter.most_common(_MAX_ROWS), max(0, len(counter) - _MAX_ROWS))
            for kind, counter in made
            if counter
        ],
        "outside": manifest.outside_charset,
        "left_out": sorted(manifest.fonts.get("left_out", {}).items()),
        "recipe": json.dumps(manifest.recipe, indent=2, ensure_ascii=False),
        "environment": sorted(manifest.environment.items()),
    }
    return render_page(Path(__file__).parent / "templates", "card.html", values)


def readme(manifest: Manifest, splits: Sequence[str]) -> str:
    """Returns `README.md`: with its YAML head, the folder is a dataset on the Hugging Face Hub."""
    samples = sum(manifest.splits[split].samples for split in splits)
    how = "imported pictures of lines" if manifest.imported else "lines drawn from a recipe"
    formats = sorted({name for shard in manifest.shards for name in shard.files})
    head = {
        "pretty_name": manifest.name,
        "task_categories": ["image-to-text"],
        "tags": ["ocr", "text-line-recognition", "ocrlib", *([] if manifest.imported else ["synthetic"])],
        "size_categories": [_size_category(samples)],
        "viewer": False,
    }
    # A value in JSON is a value in YAML, and every text in it is quoted.
    yaml = "\n".join(f"{key}: {json.dumps(value)}" for key, value in head.items())
    rows = "\n".join(f"| {_plain(split)} | {manifest.splits[split].samples:,} |" for split in splits)
    return f"""---
{yaml}
---
<!-- {MARK}: `python -m ocrlib card` writes it again; without this line it is yours and stays as it is -->

# {_plain(manifest.name)}

{samples:,} {how} of text, {manifest.image.height} pixels high, for training readers with
ocrlib. Fingerprint `{manifest.fingerprint}`.

| split | lines |
|---|---:|
{rows}

![some of its lines](preview.png)

Stored as {" and ".join(formats)}, all listed with their sizes and hashes in `manifest.json`; `card.html` tells what the
lines hold. Characters of the labels, {len(manifest.charset)}: {_plain(manifest.charset)}

    python -m ocrlib verify FOLDER
    python train_from_records.py FOLDER --run runs/mine
"""


def _size_category(samples: int) -> str:
    """As the Hub counts them."""
    names = [f"{size // 1000}K" if size < 10**6 else f"{size // 10**6}M" for size in _SIZES[:-1]] + ["1B"]
    for number, size in enumerate(_SIZES):
        if samples < size:
            return f"n<{names[0]}" if number == 0 else f"{names[number - 1]}<n<{names[number]}"
    return f"n>{names[-1]}"


def _plain(text: str) -> str:
    """Text in which nothing is markup: characters that could be are written as HTML does."""
    return re.sub(r"[^\w ,.()/+=%-]", lambda found: f"&#{ord(found[0])};", text)
