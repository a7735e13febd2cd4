"""The folder of a run: its files, and whether a run may begin or go on in a given folder.

config.json      every setting, the datasets with their fingerprints and how many of their lines were learned from, the
                 start, the network as it was built, the plan, the machine; written before the first step and brought
                 up to date after each epoch
history.csv      a row for each epoch; curve.png draws it
best.keras       the network of the lowest validation CER; with a replay, at the end what `hold_back` left of it
best.ngram       the language model of the start, where it helps; written at the end
last/            weights, optimizer and place in the data, to resume from; with a replay also the network before that
predictions/     what the network reads in the same lines, after each epoch
tensorboard/     the same figures for TensorBoard
metrics.json     how best.keras reads the test split
report.html      all of it for a browser, with the test split by groups and its misread lines; written last
.lock, .holder   there while a process trains in it, and which process that is
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import copyfile, copytree
from tempfile import TemporaryDirectory
from typing import Any, Literal

from ocrlib import config
from ocrlib.dataset.manifest import Manifest
from ocrlib.errors import UserError
from ocrlib.locks import LOCK_NAME, held
from ocrlib.network.run_files import read_run_file
from ocrlib.training.settings import RunConfig

CONFIG: Literal["config.json"] = "config.json"
_COMPARED = ("fingerprint", "weight")  # of a dataset: where it lies does not matter, and it may grow
_HOLDER_NAME = ".holder"
_LEFTOVERS = ".*.tmp*"  # what a kill leaves of a file that was being written whole


@contextmanager
def lock_run(run: Path) -> Iterator[None]:
    """Holds the folder of a run for this process, and makes it if it is missing.

    A folder in which nothing was begun is removed again, if it was made here.

    Raises:
      UserError: another process trains in it, or it is no folder.
      OSError: it cannot be written.
    """
    if run.exists() and not run.is_dir():
        raise _in_use(run)
    is_new = not run.exists()
    run.mkdir(parents=True, exist_ok=True)
    try:
        with held(run, run / _HOLDER_NAME, "is training in this run; wait for it, or choose another --run"):
            for folder in (run, run / "last"):
                for leftover in folder.glob(_LEFTOVERS):
                    leftover.unlink(missing_ok=True)
            yield
    finally:
        if is_new:
            with suppress(OSError):  # something was begun, which is the usual case
                run.rmdir()


@contextmanager
def borrowed(run: Path, resume: bool) -> Iterator[Path]:
    """Gives a worker that is not the chief a folder to write to, which is deleted afterwards: the run is the chief's.

    Args:
      run: the folder of the run, which all machines see.
      resume: the worker goes on, too, with what the run has.
    """
    with TemporaryDirectory() as folder:
        for name in (CONFIG, "last") if resume else ():
            copy = copytree if (run / name).is_dir() else copyfile
            if (run / name).exists():
                copy(run / name, Path(folder) / name)
        yield Path(folder)


def check_new(run: Path) -> None:
    """Refuses a folder in which a new run would mix with other files. It is held by `lock_run`.

    Raises:
      UserError: it holds a run, or other files.
    """
    if (run / CONFIG).exists():
        raise UserError(f"{run}: holds a run already; go on with it by --resume, or choose another --run")
    if any(path.name not in (LOCK_NAME, _HOLDER_NAME) for path in run.iterdir()):
        raise _in_use(run)


def read_config(run: Path) -> dict[str, Any] | None:
    """Returns what the config.json of a run holds; None if there is none.

    Raises:
      UserError: it cannot be read, or is no config of a run.
    """
    try:
        return read_run_file(run, CONFIG)
    except UserError as error:
        raise UserError(f"{error}; choose another --run") from None


def read_begun(run: Path) -> dict[str, Any]:
    """Returns the config.json of a run that may go on.

    Raises:
      UserError: there is nothing to resume.
    """
    begun = read_config(run)
    if begun is None:
        raise UserError(f"{run}: has no run to resume; leave out --resume to begin one")
    return begun


def resumed_settings(run: Path, overrides: Mapping[str, str]) -> RunConfig:
    """Returns the settings that a run was begun with, and on top of them what is given now.

    Raises:
      UserError: there is nothing to resume, or a setting that cannot be.
    """
    return config.build(RunConfig, read_begun(run).get("config", {}), overrides, str(run / CONFIG))


def check_resumable(run: Path, now: Mapping[str, Any]) -> None:
    """Refuses a folder that holds no run, or a run that was begun with other settings.

    Args:
      run: the folder.
      now: what config.json would hold if the run began now. Datasets are the same wherever they lie.

    Raises:
      UserError: there is nothing to resume, or something differs; the message names each difference.
    """
    begun = read_begun(run)
    instead = "choose another --run"
    if (run / "best.keras").exists():
        instead += f" and go on from this one by --init {run}"
    elif not (run / "last").exists():
        instead = "remove that folder, in which nothing is learned yet"
    for key in now:
        before, after = _comparable(key, begun.get(key)), _comparable(key, now[key])
        if before != after:
            changes = "; ".join(_differences(before, after))
            raise UserError(f"{run}: was begun with other {key} ({changes}); resume with the same, or {instead}")


def count_lines(manifests: Sequence[Manifest]) -> list[dict[str, int]]:
    """Returns {split: lines} of each dataset: what config.json remembers, because a dataset can grow."""
    return [{name: split.samples for name, split in manifest.splits.items()} for manifest in manifests]


def grown(before: Any, datasets: Sequence[Path], now: Sequence[dict[str, int]]) -> list[str]:
    """Returns a phrase for each dataset whose lines are not as many as they were; [] if that was not written down.

    Args:
      before: what `count_lines` said when the run began; None in runs of earlier versions.
      datasets: their folders.
      now: what `count_lines` says now.
    """
    if not isinstance(before, list) or len(before) != len(now):
        return []
    return [
        f"{folder}: has changed since the run began ({'; '.join(_differences(then, lines))})"
        for folder, then, lines in zip(datasets, before, now, strict=True)
        if then != lines
    ]


def _in_use(run: Path) -> UserError:
    return UserError(f"{run}: is in use for something else; choose another --run")


def _comparable(key: str, value: Any) -> Any:
    if key == "datasets" and value:
        return [{name: entry.get(name) for name in _COMPARED} for entry in value]
    if key == "config" and value:  # what is learned does not depend on the number of devices
        return {**value, "train": {name: each for name, each in value.get("train", {}).items() if name != "devices"}}
    if key == "replay" and value:
        return value | {"datasets": _comparable("datasets", value["datasets"])}
    return value


def _differences(before: Any, now: Any, name: str = "") -> list[str]:
    """Returns a phrase for each setting that differs: its full name, what it was and what it is.

    A version that did not have the setting yet is shown as `nothing`.
    """
    if isinstance(before, dict) and isinstance(now, dict):
        pairs = [(key, before.get(key, "nothing"), now.get(key, "nothing")) for key in {**before, **now}]
        return [phrase for key, old, new in pairs for phrase in _differences(old, new, f"{name}.{key}".lstrip("."))]
    return [] if before == now else [f"{name} {_shortened(before)} then, {_shortened(now)} now".lstrip()]


def _shortened(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 200 else f"{text[:200]}..."
