"""The folder of a run: its files, and whether a run may begin or go on in a given folder.

config.json      every setting, and the fingerprints of the datasets; written before the first step
history.csv      a row for each epoch; curve.png draws it
best.keras       the network of the lowest validation CER
last/            weights, optimizer and place in the data, to resume from
predictions/     what the network reads in the same lines, after each epoch
tensorboard/     the same figures for TensorBoard
metrics.json     how best.keras reads the test split; written last
"""

from pathlib import Path
from typing import Any

from ocrlib.errors import UserError
from ocrlib.files import read_json

CONFIG = "config.json"


def check_new(run: Path) -> None:
    """Refuses a folder in which a new run would mix with other files.

    Raises:
      UserError: it holds a run, or other files, or is no folder.
    """
    if (run / CONFIG).exists():
        raise UserError(f"{run}: holds a run already; go on with it by --resume, or choose another --run")
    if run.exists() and (not run.is_dir() or any(run.iterdir())):
        raise UserError(f"{run}: is in use for something else; choose another --run")


def check_resumable(run: Path, config: dict[str, Any]) -> None:
    """Refuses a folder that holds no run, or a run that was begun with other settings.

    Args:
      run: the folder.
      config: what config.json would hold if the run began now.

    Raises:
      UserError: there is nothing to resume, or `config` differs; the message names each difference.
    """
    try:
        begun_with = read_json(run / CONFIG)
    except FileNotFoundError:
        raise UserError(f"{run}: has no run to resume; leave out --resume to begin one") from None
    instead = "choose another --run"
    if (run / "best.keras").exists():
        instead += f" and go on from this one by --init {run}"
    elif not (run / "last").exists():
        instead = "remove that folder, in which nothing is learned yet"
    for key in config:
        if begun_with.get(key) != config[key]:
            changes = "; ".join(_differences(begun_with.get(key), config[key]))
            raise UserError(f"{run}: was begun with other {key} ({changes}); resume with the same, or {instead}")


def _differences(before: Any, now: Any, name: str = "") -> list[str]:
    """Returns a phrase for each setting that differs: its full name, what it was and what it is.

    A version that did not have the setting yet is shown as `nothing`.
    """
    if isinstance(before, dict) and isinstance(now, dict):
        pairs = [(key, before.get(key, "nothing"), now.get(key, "nothing")) for key in {**before, **now}]
        return [phrase for key, old, new in pairs for phrase in _differences(old, new, f"{name}.{key}".lstrip("."))]
    return [] if before == now else [f"{name} {before} then, {now} now".lstrip()]
