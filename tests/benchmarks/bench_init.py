"""Does it help to start from a model? Trainings from a model and from nothing, of the same time.

Run as `python -m tests.benchmarks.bench_init DATASET [--init wikipedia] [--minutes 4]`. Three networks are trained one
after the other, each for the given minutes on the training split, and then read the test split: one that starts from
the model, the same network from nothing, and the default network of `train_from_records.py` for the dataset. Prints a
table and writes it to runs/bench/init.json. There is no bar.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ocrlib.backend import keras
from ocrlib.charset import Charset
from ocrlib.dataset.manifest import read_manifest
from ocrlib.evaluation.evaluate import evaluate_dataset
from ocrlib.network.warm_start import start_from
from ocrlib.reading.recognizer import Recognizer
from ocrlib.training.prepare import new_network
from ocrlib.training.settings import ModelConfig
from tests.benchmarks.for_minutes import train_for
from tests.programs import ROOT

RESULTS = ROOT / "runs" / "bench" / "init.json"


def networks(folder: Path, charset: Charset, init: str) -> dict[str, keras.Model]:
    """Returns the networks to compare, before any training on the dataset."""
    manifest = read_manifest(folder)
    keras.utils.set_random_seed(1)
    start = start_from(init, charset, manifest.image.height, manifest.image.channels)
    print(f"{init}: {start}", file=sys.stderr)
    return {
        f"from {init}": start.network,
        "the same, from nothing": keras.Model.from_config(start.network.get_config()),
        "the default, from nothing": new_network([manifest], charset, ModelConfig()),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--init", default="wikipedia", help="the model to start from (default wikipedia)")
    parser.add_argument("--minutes", type=float, default=4, help="of training each (default 4)")
    parser.add_argument("--batch", type=int, default=64, help="lines in a batch of average width (default 64)")
    parser.add_argument("--rate", type=float, default=3e-3, help="highest learning rate (default 0.003)")
    arguments = parser.parse_args()
    charset = Charset(read_manifest(arguments.dataset).charset)
    rows: list[dict[str, Any]] = []
    for name, network in networks(arguments.dataset, charset, arguments.init).items():
        seconds = 60 * arguments.minutes
        trained = train_for(network, arguments.dataset, charset, seconds, arguments.batch, arguments.rate)
        result = evaluate_dataset(Recognizer.of_keras(network, charset), arguments.dataset, "test")
        rows.append(
            {
                "network": name,
                "parameters": network.count_params(),
                "lines": trained.lines,
                "cer": result["cer"],
                "exact": result["exact_match"],
            }
        )
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps(rows, indent=1))
        print(rows[-1], file=sys.stderr, flush=True)
    print(f"\n{arguments.minutes:g} minutes of training each, {arguments.dataset}")
    print(f"{'':26}{'parameters':>11}{'lines':>9}{'CER':>8}{'exact':>8}")
    for row in rows:
        print(f"{row['network']:26}{row['parameters']:11,}{row['lines']:9,}{row['cer']:8.2%}{row['exact']:8.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
