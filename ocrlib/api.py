"""`ocrlib.make_dataset`, `ocrlib.train` and `ocrlib.evaluate`: what the commands do, for programs and notebooks."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocrlib.extras import installed

if TYPE_CHECKING:
    from ocrlib import Reader


@installed("factory")
def make_dataset(
    recipe: str | Path,
    out: str | Path | None = None,
    *,
    settings: Mapping[str, Any] | None = None,
    workers: int | None = None,
) -> Path:
    """Makes the dataset of a recipe, or goes on with it, and returns its folder.

    A finished dataset is left as it is. Workers are processes of their own: a script calls this below
    `if __name__ == "__main__":`.

    Args:
      recipe: a TOML file.
      out: the dataset's folder; without it, the recipe's name, beside the file.
      settings: keys of the recipe and their values, as `{"splits.train": 1000}`.
      workers: processes; without it, one for each core.

    Raises:
      UserError: the recipe is wrong, or the folder holds something else.
    """
    from ocrlib.dataset.card.card import write_card
    from ocrlib.factory import make
    from ocrlib.factory.recipe import load_recipe

    path = Path(recipe)
    loaded = load_recipe(path, _overrides(settings))
    folder = path.parent / loaded.name if out is None else Path(out)
    _, worked = make.make_dataset(loaded, folder, workers or os.cpu_count() or 1)
    if worked:
        write_card(folder, trust=True)
    return folder


@installed("train")
def train(
    datasets: str | Path | Sequence[str | Path] | Mapping[str | Path, float],
    run: str | Path,
    *,
    settings: Mapping[str, Any] | None = None,
    init: str | None = None,
    resume: bool = False,
) -> dict[str, Any]:
    """Trains a network on datasets, and returns how it reads their test split: what `metrics.json` holds.

    Args:
      datasets: a folder, several, or several with their weights, as `{"datasets/a": 0.7, "datasets/b": 0.3}`.
      run: a new folder for the model and its history.
      settings: keys and values, as `{"train.epochs": 2, "model.filters": 2}`; `train_from_records.py --help` lists
        them.
      init: a run folder, a `.keras` file or a shipped model, whose network is trained further.
      resume: go on with the run in that folder.

    Raises:
      UserError: a dataset, a setting or the run folder cannot be used.
      FloatingPointError: the loss is not finite.
    """
    from ocrlib import config
    from ocrlib.training import trainer
    from ocrlib.training.settings import RunConfig

    folders = [datasets] if isinstance(datasets, str | Path) else list(datasets)
    return trainer.train(
        [Path(folder) for folder in folders],
        Path(run),
        config.build(RunConfig, {}, _overrides(settings), "the settings"),
        weights=list(datasets.values()) if isinstance(datasets, Mapping) else None,
        resume=resume,
        init=init,
    )


@installed("data")
def evaluate(model: "str | Path | Reader", data: str | Path, *, split: str | None = None) -> dict[str, Any]:
    """Returns how often a model is wrong, and where: all that `evaluate --out` writes.

    Args:
      model: as `Reader` takes it, or a reader with what you know about the lines.
      data: a dataset, or a folder of NAME.png with NAME.gt.txt beside each.
      split: of a dataset; without it, test.

    Raises:
      UserError: no such model, data or split.
    """
    from ocrlib.evaluation.report import chosen_split, report_on
    from ocrlib.reading.reader import Reader

    chosen = chosen_split(Path(data), split)
    reader = model if isinstance(model, Reader) else Reader(model)
    return report_on(reader.recognizer, Path(data), chosen).figures()


def _overrides(settings: Mapping[str, Any] | None) -> dict[str, str]:
    """The values as one writes them on the command line, where a text needs no quotes."""
    return {
        key: value if isinstance(value, str) else json.dumps(value, default=str)
        for key, value in (settings or {}).items()
    }
