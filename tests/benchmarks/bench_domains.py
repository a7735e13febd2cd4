"""Does a first domain of one's own read after two minutes? Three of them, 3,000 lines each, with the defaults.

Run as `python -m tests.benchmarks.bench_domains`. Serial numbers, dates in words and price tags are drawn, each in other
faces and on another paper, and trained on by the user's two commands with no setting but the names. Prints a table,
writes runs/bench/domains.json, and ends with exit code 1 where less than 97% of 500 test lines are read without an
error, or where the training takes more than two minutes of two cores.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.programs import ROOT, program

RESULTS = ROOT / "runs" / "bench" / "domains.json"
EXACT_BAR, PROCESSOR_BAR_S = 0.97, 2 * 120
_DAYS = "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|twelfth|fifteenth|twentieth|thirtieth"
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
# Name -> charset, regular expression, fonts, background.
DOMAINS = {
    "serials": (
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-",
        "[A-Z]{2}-[0-9]{6}",
        '["matplotlib"]',
        '["gaussian_noise"]',
    ),
    "dates": (
        " ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789,",
        f"({_DAYS}) of ({_MONTHS}), (1[89]|20)[0-9]{{2}}",
        '["trdg:latin"]',
        '["plain_white", "gaussian_noise"]',
    ),
    "prices": (
        " $€0123456789.,kg/",
        r"(\$|€) ([1-9][0-9]?)?[0-9]\.[0-9]{2}( / kg)?",
        '["trdg:latin", "matplotlib"]',
        '["quasicrystal", "plain_white"]',
    ),
}
RECIPE = """\
name = "{name}"
[text]
source = "numeric"
charset = '{charset}'
patterns = [{{ name = "{name}", regex = '{regex}' }}]
[render]
fonts = {fonts}
font_coverage = 0.5
background = {background}
[splits]
train = {lines}
val = 200
test = 500
[output]
formats = ["hdf5"]
shard_samples = 500
"""


def measure(name: str, num_lines: int, folder: Path) -> dict[str, Any]:
    """Draws a domain and trains on it; returns the figures of the training."""
    charset, regex, fonts, background = DOMAINS[name]
    recipe = folder / f"{name}.toml"
    values = {"name": name, "charset": charset, "regex": regex, "fonts": fonts, "background": background}
    recipe.write_text(RECIPE.format(lines=num_lines, **values), encoding="utf-8")
    run = folder / f"run-{name}"
    used = 0.0
    for arguments in (("generate_data.py", recipe), ("train_from_records.py", folder / name, "--run", run)):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        # No limit of time: on a busy machine a training takes many times its processor time.
        outcome = subprocess.run(program(ROOT / arguments[0], *arguments[1:]), cwd=ROOT, capture_output=True, text=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if outcome.returncode:
            raise SystemExit(f"{arguments}: {outcome.stderr[-2000:]}")
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    metrics = json.loads((run / "metrics.json").read_text())
    about = json.loads((run / "config.json").read_text())
    (figures,) = metrics["datasets"].values()
    told = {"domain": name, "start": about["init"], "steps": about["plan"]["steps"], "processor_s": used}
    return {**told, "training_s": metrics["training_seconds"], "exact": figures["exact_match"], "cer": figures["cer"]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--domains", nargs="+", choices=DOMAINS, default=list(DOMAINS))
    parser.add_argument("--lines", type=int, default=3000, help="to learn from (default 3000)")
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.domains:
            rows.append(measure(name, arguments.lines, Path(folder)))
            print(rows[-1], file=sys.stderr, flush=True)
            RESULTS.parent.mkdir(parents=True, exist_ok=True)
            RESULTS.write_text(json.dumps(rows, indent=1))
    print(f"{'':10}{'start':12}{'steps':>6}{'processor':>11}{'exact':>9}{'CER':>8}")
    for row in rows:
        print(
            f"{row['domain']:10}{row['start'] or 'nothing':12}{row['steps']:6}{row['processor_s']:9.0f} s"
            f"{row['exact']:9.2%}{row['cer']:8.2%}"
        )
    missed = [row for row in rows if row["exact"] < EXACT_BAR or row["processor_s"] > PROCESSOR_BAR_S]
    print(f"missed: {', '.join(row['domain'] for row in missed)}" if missed else "all bars met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
