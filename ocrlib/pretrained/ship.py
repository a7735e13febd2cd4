"""A finished run becomes a model that comes with ocrlib: NAME.keras, NAME.onnx, NAME.json, which is its card, and
NAME.ngram if the run has a language model.

Run as `python -m ocrlib.pretrained.ship RUN NAME`; `make pretrained-numeric` does. The card says what the model was
made of and what it was measured to do: each file of figures in the run folder that `evaluate --out` or a benchmark
wrote there is taken up under its name.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import ocrlib
from ocrlib.arguments import Parser, run_main
from ocrlib.batches.loader import Loader
from ocrlib.batches.split import SplitLines
from ocrlib.charset import Charset
from ocrlib.dataset.manifest import Manifest, read_manifest
from ocrlib.errors import UserError
from ocrlib.files import read_json, write_json
from ocrlib.network.export import export_model
from ocrlib.network.open import NGRAM_ENDING, PRETRAINED, shipped_names
from ocrlib.pretrained.smaller import compress_keras, halve_weights, quantize

_NUM_BATCHES, _BATCH_SIZE = 25, 8  # from whose lines the ranges of whole numbers come
_FIGURES = (
    "exact_match",
    "data",
    "language_model",
    "lines",
    "cer",
    "known_fonts",
    "heldout_fonts",
    "errors_by",
    "reliability",
)


def ship(run: Path, name: str, folder: Path = PRETRAINED, *, int8: bool = False) -> dict[str, Any]:
    """Writes the files of a run's best network, in place of those that are there, and returns the card.

    Args:
      run: a finished run folder, its datasets still where they were.
      name: what users will call the model.
      folder: where the files go.
      int8: the `.onnx` file computes with whole numbers, whose range comes from lines of the first dataset's
        validation split.

    Raises:
      UserError: the run is not finished.
    """
    trainings = _trainings(run)
    entries = trainings[-1]["datasets"]
    datasets = [read_manifest(Path(entry["folder"])) for entry in entries]
    for entry, manifest in zip(entries, datasets, strict=True):
        if entry["fingerprint"] != manifest.fingerprint:
            raise UserError(f"{entry['folder']}: is not the dataset that {run} learned from; make it again as it was")
    found = {file.stem: read_json(file) for file in sorted(run.glob("*.json"))}
    measured = {what: figures for what, figures in found.items() if _FIGURES[0] in figures}
    lines = _some_batches(Path(entries[0]["folder"]), datasets[0]) if int8 else None
    files = _write_files(run / "best.keras", folder / f"{name}.keras", lines)
    card = {
        "name": name,
        "made_by": f"make pretrained-{name}",
        "ocrlib_version": ocrlib.__version__,
        "datasets": [
            {
                "name": manifest.name,
                "fingerprint": manifest.fingerprint,
                "train_samples": manifest.splits["train"].samples,
                "recipe": manifest.recipe,
            }
            for manifest in datasets
        ],
        "trainings": trainings,
        "training_hours": round(sum(training["hours"] for training in trainings), 2),
        "bytes": {file.suffix[1:]: file.stat().st_size for file in files},
        "figures": {what: _short(result) for what, result in measured.items()},
    }
    write_json(folder / f"{name}.json", card)
    return card


def _write_files(best: Path, keras_file: Path, lines: Iterator[Mapping[str, Any]] | None) -> list[Path]:
    """Writes what is shipped of a network, in place of what is there, and returns the paths.

    Args:
      best: the network, with its language model beside it if it has one.
      keras_file: where it goes, the others beside it.
      lines: batches from which the ranges of whole numbers come; None for weights in half precision.
    """
    onnx_file, ngram_file = keras_file.with_suffix(".onnx"), keras_file.with_suffix(NGRAM_ENDING)
    with tempfile.TemporaryDirectory(dir=keras_file.parent) as temporary:  # all or none
        exported = Path(temporary) / onnx_file.name
        export_model(str(best), "onnx", exported)
        if lines is not None:
            quantize(exported, lines)
        halve_weights(exported)
        shutil.copyfile(best, keras_file)
        compress_keras(keras_file)
        exported.replace(onnx_file)
        ngram = exported.with_suffix(NGRAM_ENDING)
        if ngram.exists():  # the export copied that of the run
            ngram.replace(ngram_file)
        else:
            ngram_file.unlink(missing_ok=True)
    return [file for file in (keras_file, onnx_file, ngram_file) if file.exists()]


def _some_batches(dataset: Path, manifest: Manifest) -> Iterator[Mapping[str, Any]]:
    """Yields some batches of a dataset's validation split, of all widths: they are shuffled."""
    lines = SplitLines(dataset, "val", Charset(manifest.charset))
    return islice(Loader(lines, stride=None, batch_size=_BATCH_SIZE).batches(seed=0), _NUM_BATCHES)


def _trainings(run: Path) -> list[dict[str, Any]]:
    """Returns what each training was told and what it took, the runs that it started from first."""
    try:
        config, metrics = (read_json(run / file) for file in ("config.json", "metrics.json"))
    except FileNotFoundError as error:
        raise UserError(f"{error.filename}: is not there; ship a run that has ended") from None
    hours = round(metrics["training_seconds"] / 3600, 2)
    this = {"run": str(run), **config, "epochs": metrics["epochs"], "hours": hours}
    init = config.get("init")
    if init is None:
        return [this]
    if init in shipped_names() and not Path(init).exists():
        return [*read_json(PRETRAINED / f"{init}.json")["trainings"], this]
    return [*_trainings(Path(init).parent if Path(init).is_file() else Path(init)), this]


def _short(result: dict[str, Any]) -> dict[str, Any]:
    """The figures that a card has room for: of the tables, by what the text is made of."""
    kept = {key: value for key, value in result.items() if key in _FIGURES}
    if "errors_by" in kept:
        kept["errors_by"] = {"text": kept["errors_by"].get("text", [])}
    for faces in ("known_fonts", "heldout_fonts"):
        if faces in kept:
            kept[faces] = {key: value for key, value in kept[faces].items() if key in _FIGURES}
    return kept


def main() -> None:
    """Arguments -> one call."""
    parser = Parser(description="Makes a finished run a model that comes with ocrlib.")
    parser.add_argument("run", type=Path)
    parser.add_argument("name")
    parser.add_argument("--int8", action="store_true", help="the .onnx file computes with whole numbers")
    arguments = parser.parse_args(sys.argv[1:])
    card = ship(arguments.run, arguments.name, int8=arguments.int8)
    sizes = ", ".join(f"{kind} {size / 1e6:.2f} MB" for kind, size in card["bytes"].items())
    print(f"{arguments.name}: {sizes}; go on with `python -m ocrlib predict --model {arguments.name} PATH`")


if __name__ == "__main__":
    run_main(main, "run the same command again")
