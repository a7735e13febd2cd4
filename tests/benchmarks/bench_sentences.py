"""Seconds and memory from corpus to sentence file: the embedded corpus, and a synthetic dump of 200 MB.

Run as `python -m tests.benchmarks.bench_sentences`. Each corpus is built in its own process, into an empty
cache; memory is the peak resident memory of that process. The dump has random words in articles built like real
ones (infobox, references, links, table, lists), so its speed shows the cost of markup, not of English. Exit 1 if
a build uses 150 MB or more.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from tests.factory.text.samples import many_pages, write_dump

_MAX_PEAK_MB = 150
_BUILD = """
import json, sys, time
from pathlib import Path
from ocrlib.factory.settings.text import WikipediaText
from ocrlib.factory.text.build import open_sentences
keys = json.loads(sys.argv[1])
start = time.perf_counter()
about = open_sentences(WikipediaText(source="wikipedia", **keys)).about
seconds = time.perf_counter() - start
start = time.perf_counter()
open_sentences(WikipediaText(source="wikipedia", **keys))
reopened = time.perf_counter() - start
# Not ru_maxrss: a new program inherits that of the process it came from.
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
found = {"seconds": seconds, "reopened": reopened, "peak_mb": int(status["VmHWM"].split()[0]) / 1024}
print(json.dumps({**found, "counts": about["counts"], "splits": about["splits"]}))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dump-mb", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        dump = write_dump(Path(folder) / "synthetic.xml", many_pages(Random(1), arguments.dump_mb * 10**6))
        cases = {
            "embedded en, whole sentences of 20 to 80": ({}, None),
            "embedded en, long sentences wrapped": ({"long_sentences": "wrap"}, None),
            "embedded es, wrapped": ({"language": "es", "long_sentences": "wrap"}, None),
            "embedded fr, wrapped": ({"language": "fr", "long_sentences": "wrap"}, None),
            f"synthetic dump of {arguments.dump_mb} MB, to its end": ({"corpus": str(dump), "max_sentences": 0}, dump),
            "the same, 20,000 sentences": ({"corpus": str(dump), "max_sentences": 20_000}, None),
        }
        peak_mb = 0.0
        for number, (name, (keys, path)) in enumerate(cases.items()):
            found = build(keys, Path(folder) / f"cache{number}")
            peak_mb = max(peak_mb, found["peak_mb"])
            report(name, found, path)
    print(f"highest peak {peak_mb:.0f} MB, bar {_MAX_PEAK_MB} MB")
    return int(peak_mb >= _MAX_PEAK_MB)


def build(keys: dict, cache: Path) -> dict:
    """Builds a sentence file in its own process and returns what that process measured."""
    environment = {**os.environ, "OCRLIB_CACHE": str(cache)}
    command = [sys.executable, "-c", _BUILD, json.dumps(keys)]
    return json.loads(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


def report(name: str, found: dict, dump: Path | None) -> None:
    counts = found["counts"]
    speed = f"{counts['kept'] / found['seconds']:,.0f} lines/s"
    if dump:
        speed += f", {dump.stat().st_size / 1e6 / found['seconds']:.2f} MB/s"
    print(f"\n{name}  ({time.strftime('%H:%M:%S')})")
    print(f"  {found['seconds']:.1f} s, {speed}, peak {found['peak_mb']:.0f} MB; opened again in", end=" ")
    print(f"{found['reopened'] * 1000:.0f} ms")
    print(f"  sentences {counts['sentences']:,}, lines kept {counts['kept']:,}, splits {found['splits']}")
    print(f"  rejected {counts['rejected']}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
