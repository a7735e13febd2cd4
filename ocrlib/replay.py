"""A door between the halves: lines that a model learned from, for a training that starts from it and must not forget.

The datasets of a run folder are taken where they lie. What a shipped model learned from is drawn again, once, from the
recipe on its card.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocrlib.arguments import find_place
from ocrlib.cache import cache_folder
from ocrlib.errors import UserError
from ocrlib.files import read_json

if TYPE_CHECKING:
    from ocrlib.training.settings import RunConfig

SHARE = 0.5  # of the batches; docs/own-lines.md
# Lines to draw: seconds on two cores. Sentences take six times as long as numbers.
_LINES = {"numeric": 3_000}
_LINES_OF_LANGUAGE = 1_000
_VAL_LINES = 600  # to measure with what was forgotten: of 200, chance decided how far a training went back
_PATIENCE_S = 600.0  # for another process that draws them, on a busy machine


def replay_of(
    folders: Sequence[Path],
    settings: "RunConfig",
    model: str | None,
    share: float | None,
    begun: Mapping[str, Any],
) -> Any:
    """Returns the lines that the start model is not to forget, a `training.lines.Replay`; None if they are not wanted.

    By default they are wanted where all lines are imported and the characters of the model are kept.

    Args:
      folders: of the datasets.
      settings: of the training.
      model: that it starts from; None for none.
      share: of the batches, as the user asks for it; None for the default.
      begun: config.json of a run that goes on, whose share is kept; else empty.

    Raises:
      UserError: they cannot be had, and they are asked for, or several machines train together.
    """
    from ocrlib.dataset.manifest import read_manifest
    from ocrlib.training.machines import read_machines

    asked = share
    if share is None and begun:
        share = (begun.get("replay") or {}).get("share", 0.0)
    if share is None:
        keeps = settings.model.charset != "new" and settings.data.charset is None
        share = SHARE if keeps and all(read_manifest(folder).imported for folder in folders) else 0.0
    if not share:
        return None
    if model is None:
        if asked:
            raise UserError("--replay: a training from nothing has learned nothing yet; leave it out")
        return None
    try:
        return find_replay(model, share, addresses=bool(asked or begun))
    except UserError as error:
        if asked or begun or read_machines().count > 1:  # one machine alone would go on with other batches
            raise
        print(f"without replay: {error}")
        return None


def find_replay(model: str, share: float, *, addresses: bool = True) -> Any:
    """Returns lines that a model learned from and their share, a `training.lines.Replay`; draws them if need be.

    Args:
      model: a run folder or a shipped name.
      share: above 0 and below 1.
      addresses: of stored datasets may be opened, because the user asked for these lines.

    Raises:
      UserError: nobody knows what the model learned from, or it cannot be had here.
    """
    from ocrlib.network.open import PRETRAINED, shipped_names
    from ocrlib.training.lines import Replay

    folder = Path(model)
    if folder.is_dir():
        folders = _datasets_of(folder, addresses)
    elif model in shipped_names() and not folder.exists():
        card = read_json(PRETRAINED / f"{model}.json")
        folders = [_draw(model, dataset["recipe"]) for dataset in card["datasets"]]
    else:
        raise UserError(f"{model}: does not tell what it learned from; start from a run folder, or with --replay 0")
    return Replay(folders=tuple(folders), share=share)


def _datasets_of(run: Path, addresses: bool) -> list[Path]:
    """Returns the datasets of a run, those of its own replay included, where they lie as they did."""
    from ocrlib.dataset.manifest import read_manifest
    from ocrlib.dataset.mirror import mirrored
    from ocrlib.dataset.store import is_address
    from ocrlib.network.run_files import read_run_file

    folders = []
    try:
        about = read_run_file(run, "config.json")
        if about is None:
            raise UserError("it has no config.json")
        entries = [*about.get("datasets", ()), *((about.get("replay") or {}).get("datasets", ()))]
        for entry in entries:
            if is_address(entry["folder"]) and not addresses:
                raise UserError(f"{entry['folder']} is an address, which --replay {SHARE} opens")
            folders.append(mirrored(find_place(entry["folder"])))
            if read_manifest(folders[-1]).fingerprint != entry["fingerprint"]:
                raise UserError(f"{entry['folder']}: is another dataset now")
    except (KeyError, UserError) as error:
        raise UserError(f"{run}: its datasets are not there any more ({error}); go on with --replay 0") from None
    return folders


def _draw(model: str, values: dict[str, Any]) -> Path:
    """Returns a dataset of lines of a recipe, drawn now or when they were first asked for."""
    from ocrlib.dataset.manifest import FILE_NAME
    from ocrlib.factory.ingredients import gather
    from ocrlib.factory.make import make_dataset
    from ocrlib.factory.recipe import recipe_from_dict
    from ocrlib.locks import held

    lines = _LINES.get(values["text"]["source"], _LINES_OF_LANGUAGE)
    sizes = {"train": lines, "val": _VAL_LINES, "test": 0}
    output = {"formats": ["hdf5"], "encoding": "raw", "shard_samples": 500}  # several shards, for several workers
    recipe = recipe_from_dict(values | {"splits": sizes, "output": output}, f"the card of {model}")
    _refuse_absent(model, recipe)
    out = cache_folder() / "replay" / f"{recipe.name}-{gather(recipe).fingerprint[:16]}"
    out.parent.mkdir(parents=True, exist_ok=True)
    if (out / FILE_NAME).exists():
        make_dataset(recipe, out, os.cpu_count() or 1)  # nothing, but to look whether all of it is there
        return out
    print(f"draws {lines} lines of the recipe that {model} learned from, so that it forgets little: {out}")
    # Two trainings that begin together want the same lines: one draws them, the other waits, and finds them made.
    holder, refusal = out.with_name(f"{out.name}.holder"), f"draws {out.name}; try again later"
    with held(out.parent, holder, refusal, name=f"{out.name}.lock", patience_s=_PATIENCE_S):
        make_dataset(recipe, out, os.cpu_count() or 1)
    return out


def _refuse_absent(model: str, recipe: Any) -> None:
    from ocrlib.factory.trust import sources_of

    absent: Sequence[str] = [source for source in sources_of(recipe) if not Path(source).exists()]
    if absent:
        raise UserError(f"{model}: learned from lines of {absent[0]}, which is not here; go on with --replay 0")
