"""`python -m tests.hostile`: tries the table of hostile cases, or mutations by chance, and prints what came out by kind.

`make hostile` runs the mutations: thousands of files of all formats, each changed at places that are drawn by chance.
Exit code 1 where a single case came out wrong. `--only KIND ...` tries some kinds, `--how TEXT` the cases whose `how` has it.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from ocrlib.private import import_keras, import_matplotlib

import_keras()
import_matplotlib()
import keras  # noqa: E402, F401 - what the cases need, imported once; not `ocrlib.backend`, whose TensorFlow works
import onnxruntime  # noqa: E402, F401
import tensorflow  # noqa: E402, F401

import ocrlib.dataset.card.card  # noqa: E402
import ocrlib.dataset.verify  # noqa: E402
import ocrlib.evaluation.misses  # noqa: E402
import ocrlib.evaluation.report_text  # noqa: E402
import ocrlib.factory.make  # noqa: E402
import ocrlib.factory.repair  # noqa: E402
import ocrlib.imports.layouts  # noqa: E402
import ocrlib.pretrained.gpu.arrays  # noqa: E402
import ocrlib.reading.prediction  # noqa: E402
import ocrlib.training.history  # noqa: E402
import ocrlib.web.browse  # noqa: E402
import ocrlib.web.report  # noqa: E402
import ocrlib.web.review  # noqa: E402, F401
from tests.hostile.case import Case, fault_of, try_case  # noqa: E402
from tests.hostile.cases import TABLE  # noqa: E402
from tests.hostile.material import Material, make_material  # noqa: E402
from tests.hostile.mutations import mutations  # noqa: E402


def main() -> int:
    """Arguments -> a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--mutations", type=int, default=0, metavar="N", help="N files of each format, in place of the table"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="one case of N, which takes less time")
    parser.add_argument("--only", metavar="KIND", nargs="+")
    parser.add_argument("--how", metavar="TEXT", default="")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the counts, for a program")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["HOME"] = os.environ["OCRLIB_CACHE"] = str(folder / "home")
        (folder / "home").mkdir()
        (folder / "sound").mkdir()
        material = make_material(folder / "sound")
        assert "ocrlib.backend" not in sys.modules, "TensorFlow has worked in the process that forks"
        cases = mutations(material, arguments.mutations, arguments.seed) if arguments.mutations else TABLE
        sound = [] if arguments.mutations else mutations(material, 1, arguments.seed)  # their first ones are sound

        def is_chosen(case: Case) -> bool:
            return case.kind in (arguments.only or (case.kind,)) and arguments.how in case.how

        chosen = [*filter(is_chosen, sound), *list(filter(is_chosen, cases))[:: arguments.every]]
        tried, faults, memory = _try_all(chosen, folder / "case", material)
    _print_table(tried, faults, memory)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps({"tried": tried, "faults": faults.total()}))
    return 1 if faults else 0


def _try_all(
    cases: Iterable[Case], folder: Path, material: Material
) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Returns by kind how many cases were tried, how many came out wrong, and the most memory in MB that one took.

    Prints a line for each that came out wrong.
    """
    tried, faults, memory, seconds = Counter[str](), Counter[str](), Counter[str](), dict[str, float]()
    for case in cases:
        begun = time.monotonic()
        ended = try_case(case, folder, material)
        seconds[case.kind] = seconds.get(case.kind, 0) + time.monotonic() - begun
        tried[case.kind] += 1
        memory[case.kind] = max(memory[case.kind], ended.memory_bytes >> 20)
        fault = fault_of(case, ended)
        if fault is not None:
            faults[case.kind] += 1
            print(f"{case.kind}: {case.how!a}: {fault!a}", flush=True)
    print("seconds: " + ", ".join(f"{kind} {value:.1f}" for kind, value in seconds.items()))
    return tried, faults, memory


def _print_table(tried: Counter[str], faults: Counter[str], memory: Counter[str]) -> None:
    print(f"{'kind':<22}{'tried':>7}{'right':>7}{'fault':>7}{'MB':>7}")
    for kind in sorted(tried):
        right = tried[kind] - faults[kind]
        print(f"{kind:<22}{tried[kind]:>7}{right:>7}{faults[kind]:>7}{memory[kind]:>7}")
    most = max(memory.values(), default=0)
    print(f"{'all':<22}{tried.total():>7}{tried.total() - faults.total():>7}{faults.total():>7}{most:>7}")


if __name__ == "__main__":
    sys.exit(main())
