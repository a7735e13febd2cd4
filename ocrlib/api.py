"""`ocrlib.make_dataset`, `ocrlib.train` and `ocrlib.evaluate`: what the commands do, for programs and notebooks."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ocrlib.arguments import find_place
from ocrlib.extras import installed

if TYPE_CHECKING:
    from ocrlib import Reader
    from ocrlib.dataset.manifest import FileFormat


@installed("factory")
def make_dataset(
    recipe: str | Path,
    out: str | Path | None = None,
    *,
    settings: Mapping[str, Any] | None = None,
    workers: int | None = None,
) -> Path | str:
    """Makes the dataset of a recipe, or goes on with it, and returns its folder, or its address.

    A dataset that is there, finished or begun, keeps its sizes unless `settings` names others. Workers are processes of
    their own: a script calls this below `if __name__ == "__main__":`.

    Args:
      recipe: a TOML file, or the name of a recipe that comes along.
      out: the dataset's folder, or an address such as `s3://bucket/numeric`; without it, the recipe's name, beside the
        file, or in `datasets`.
      settings: keys of the recipe and their values, as `{"splits.train": 1000}`.
      workers: processes; without it, one for each core.

    Raises:
      UserError: the recipe is wrong, or the folder holds something else.
    """
    from ocrlib.dataset.card.card import is_current, write_card
    from ocrlib.factory import make
    from ocrlib.factory.recipe import load_recipe
    from ocrlib.factory.recipes import find_recipe
    from ocrlib.factory.sizes import keep_sizes

    given = _overrides(settings)
    path, beside = find_recipe(str(recipe))
    loaded = load_recipe(path, given)
    folder = beside / loaded.name if out is None else find_place(str(out))
    if isinstance(folder, str):
        from ocrlib.factory.in_store import keep_stored_sizes, make_stored

        make_stored(keep_stored_sizes(loaded, folder, list(given)), folder, workers or os.cpu_count() or 1)
        return folder
    _, worked = make.make_dataset(keep_sizes(loaded, folder, given), folder, workers or os.cpu_count() or 1)
    if worked or not is_current(folder):
        write_card(folder, trust=True)
    return folder


@installed("train")
def train(
    datasets: str | Path | Sequence[str | Path] | Mapping[str | Path, float],
    run: str | Path,
    *,
    settings: Mapping[str, Any] | None = None,
    init: str | None = None,
    replay: float | None = None,
    resume: bool = False,
    cache: str | Path | None = None,
) -> dict[str, Any]:
    """Trains a network on datasets, and returns how it reads their test split: what `metrics.json` holds.

    Args:
      datasets: a folder or an address such as `s3://bucket/numeric`, several, or several with their weights, as
        `{"datasets/a": 0.7, "datasets/b": 0.3}`; an empty list where a run goes on with its own.
      run: a new folder for the model and its history.
      settings: keys and values, as `{"train.epochs": 2, "model.filters": 2}`; `train_from_records.py --help` lists
        them.
      init: a run folder, a `.keras` file or a shipped model, whose network is trained further; `none` begins with
        nothing. Without it, or with `auto`, the shipped model that fits best.
      replay: share of the batches that are lines which that model learned from, so that it forgets little; 0 for none.
        Without it, half of them where all lines are imported, else none.
      resume: go on with the run in that folder, by the settings that it was begun with.
      cache: a folder that stored datasets are copied into; without it, `mirrors` in $OCRLIB_CACHE or `datasets/.cache`.

    Raises:
      UserError: a dataset, a setting or the run folder cannot be used.
      FloatingPointError: the loss is not finite.
      WorkerError: a machine that trains together with this one was lost.
    """
    from ocrlib import config
    from ocrlib.replay import replay_of
    from ocrlib.training.machines import read_machines
    from ocrlib.training.run_folder import check_new, read_begun, resumed_settings
    from ocrlib.training.settings import RunConfig

    folder, given = Path(run), _overrides(settings)
    begun = read_begun(folder) if resume else {}
    places, weights = _places(datasets, begun)
    if not resume and folder.is_dir() and read_machines().is_chief:
        check_new(folder)
    chosen = resumed_settings(folder, given) if resume else config.build(RunConfig, {}, given, "the settings")
    folders = _folders(places, chosen.data.format, cache)
    from ocrlib.training.start import choose_start, start_of

    start = start_of(begun, init) if begun else choose_start(init, folders, chosen.model)
    if not begun:
        print(start)
    lines = replay_of(folders, chosen, start.model, replay, begun)

    from ocrlib.training import trainer

    return trainer.train(
        folders, folder, chosen, weights=weights, resume=resume, init=start.model, why=start.why, replay=lines
    )


@installed("data")
def evaluate(model: "str | Path | Reader", data: str | Path, *, split: str | None = None) -> dict[str, Any]:
    """Returns how often a model is wrong, and where: all that `evaluate --out` writes.

    Args:
      model: as `Reader` takes it, or a reader with what you know about the lines.
      data: a dataset, here or in a store, or a folder of NAME.png with NAME.gt.txt beside each.
      split: of a dataset; without it, test.

    Raises:
      UserError: no such model, data or split.
    """
    from ocrlib.evaluation.report import locate, report_on
    from ocrlib.reading.reader import Reader

    folder, chosen = locate(find_place(data) if isinstance(data, str) else data, split)
    reader = model if isinstance(model, Reader) else Reader(model)
    return report_on(reader.recognizer, folder, chosen).figures()


def _places(
    datasets: str | Path | Sequence[str | Path] | Mapping[str | Path, float], begun: Mapping[str, Any]
) -> tuple[list[Path | str], list[float] | None]:
    """The datasets and their weights as `train` takes them; where none are named, those of the run that goes on."""
    places = [find_place(str(each)) for each in ([datasets] if isinstance(datasets, str | Path) else datasets)]
    if not places and begun:
        entries = begun.get("datasets", ())
        weighted = entries and all(entry.get("weight") for entry in entries)
        return [find_place(entry["folder"]) for entry in entries], [e["weight"] for e in entries] if weighted else None
    return places, list(datasets.values()) if isinstance(datasets, Mapping) and datasets else None


def _folders(
    places: Sequence[Path | str], file_format: "FileFormat | Literal['auto']", cache: str | Path | None
) -> list[Path]:
    """The folders of datasets; what is no dataset is answered before TensorFlow is up, which takes seconds."""
    from ocrlib.dataset.manifest import read_manifest
    from ocrlib.dataset.mirror import mirrored

    stored_as = None if file_format == "auto" else file_format
    folders = [mirrored(each, file_format=stored_as, cache=None if cache is None else Path(cache)) for each in places]
    for each in folders:
        read_manifest(each)
    return folders


def _overrides(settings: Mapping[str, Any] | None) -> dict[str, str]:
    """The values as one writes them on the command line, where a text needs no quotes."""
    return {
        key: value if isinstance(value, str) else json.dumps(value, default=str)
        for key, value in (settings or {}).items()
    }
