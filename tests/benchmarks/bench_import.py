"""How fast and in how much memory labelled pictures become a dataset.

Run as `python -m tests.benchmarks.bench_import [--sizes 10000 100000]`. Makes so many pairs of a PNG 48 pixels high and
its text in one folder, no two alike, imports them by the user's command with one worker, and reads from the kernel what
that took. Prints a table, writes runs/bench/import.json, and ends with exit code 1 where fewer than 1,500 pictures a
second of processor time are imported, or where the largest import takes over 1.2 times the memory of the smallest.
"""

import argparse
import io
import json
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.programs import ROOT
from tests.training_fixtures import draw_line

RESULTS = ROOT / "runs" / "bench" / "import.json"
SPEED_BAR, MEMORY_BAR = 1500, 1.2
_USAGE = re.compile(r"^@ ([\d.]+) ([\d.]+) ([\d.]+)$", re.MULTILINE)


def write_pairs(folder: Path, count: int) -> None:
    """Writes NAME.png with NAME.gt.txt: numbers in black on gray, each with pale stripes of its own across the middle."""
    folder.mkdir()
    chance = random.Random(1)
    texts = ["".join(chance.choices("0123456789", k=chance.randint(4, 9))) for _ in range(200)]
    drawn = [np.array(Image.fromarray(draw_line(text)).resize((len(text) * 22, 48))) for text in texts]
    for number in range(count):
        text, image = texts[number % len(texts)], drawn[number % len(texts)].copy()
        bits = number >> (np.arange(image.shape[1]) // 4) & 1  # 4 pixels for each bit of the number
        image[16:32] ^= (bits * 24).astype(np.uint8)
        stream = io.BytesIO()
        Image.fromarray(image).save(stream, "PNG", compress_level=1)
        name = f"page{number // 40:05d}_{number % 40:02d}"
        (folder / f"{name}.png").write_bytes(stream.getvalue())
        (folder / f"{name}.gt.txt").write_text(text)


def measure(count: int, work: Path) -> dict[str, Any]:
    """Imports so many pictures; returns the processor seconds and the memory of the largest process."""
    write_pairs(work / "pairs", count)
    command = [sys.executable, "-m", "ocrlib", "import", "pairs", "--out", "dataset", "--workers", "1"]
    timed = ["/usr/bin/time", "--format", "@ %U %S %M", *command]
    outcome = subprocess.run(timed, cwd=work, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    found = _USAGE.search(outcome.stderr)
    if outcome.returncode or found is None:
        raise SystemExit(outcome.stderr[-2000:])
    seconds = float(found[1]) + float(found[2])
    return {
        "pictures": count,
        "processor_s": seconds,
        "per_second": count / seconds,
        "peak_mb": float(found[3]) / 1024,
        "said": outcome.stdout.splitlines()[0],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", type=int, default=[10_000, 100_000])
    arguments = parser.parse_args()
    rows = []
    for count in arguments.sizes:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(measure(count, Path(folder)))
        print(rows[-1], file=sys.stderr, flush=True)
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps(rows, indent=1))
    print(f"{'pictures':>9}{'processor':>11}{'pictures/s':>12}{'peak memory':>13}")
    for row in rows:
        print(f"{row['pictures']:9,}{row['processor_s']:9.1f} s{row['per_second']:12,.0f}{row['peak_mb']:10.0f} MB")
    fast = all(row["per_second"] >= SPEED_BAR for row in rows)
    level = rows[-1]["peak_mb"] <= MEMORY_BAR * rows[0]["peak_mb"]
    return 0 if fast and level else 1


if __name__ == "__main__":
    sys.exit(main())
