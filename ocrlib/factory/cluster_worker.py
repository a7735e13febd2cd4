"""The half of `cluster` that runs in a worker: it opens what a recipe names, draws shards and returns their bytes."""

import threading
from collections.abc import Callable
from typing import Any

from ocrlib.dataset.manifest import ShardEntry
from ocrlib.dataset.plan import Shard
from ocrlib.dataset.shards import encode_shard
from ocrlib.errors import UserError
from ocrlib.factory.drawing import draw_samples, start_drawing
from ocrlib.factory.ingredients import environment, gather
from ocrlib.factory.recipe import recipe_from_dict
from ocrlib.factory.workers import Report, Work

_MOST_TOLD = 4  # differences in a message
# Encoded files of a shard: its entry, and {file name: bytes}.
Encoded = tuple[ShardEntry, dict[str, bytes]]

_works: dict[str, Work] = {}  # in a worker: that of the last run
_one_at_a_time = threading.Lock()  # trdg and OpenCV draw from chance that a whole process shares


def do_task(run: str, start: Callable[..., Work], start_args: tuple[Any, ...], task: Any) -> tuple[Any, int]:
    """Does a task in a worker, and returns its result and what it reported."""
    amounts: list[int] = []
    with _one_at_a_time:
        if run not in _works:
            _works.clear()
            _works[run] = start(*start_args)
        result = _works[run](task, amounts.append)
    return result, sum(amounts)


def start_worker(values: dict[str, Any], inputs: dict[str, str], versions: dict[str, str]) -> Work:
    """Returns the function that draws and encodes a shard; called in each worker, which opens all for itself.

    Args:
      values: of the recipe.
      inputs, versions: what the client has; a worker that has anything else would draw other lines.

    Raises:
      UserError: it has something else, or lacks a font or a text.
    """
    where = f"the worker {_own_address()}"
    if told := differences(versions, environment()):
        raise UserError(f"{where} {told}; install the same on both")
    try:
        recipe = recipe_from_dict(values, "the recipe")
        found = gather(recipe)
    except UserError as error:
        raise UserError(f"{where} cannot draw this recipe: {error}") from None
    if told := differences(inputs, found.inputs):
        raise UserError(f"{where} {told}; install the same on both")
    renderer = start_drawing(recipe, found.faces, found.texts)

    def work(shard: Shard, report: Report) -> Encoded:
        samples, rejected = draw_samples(shard, renderer, report)
        output, files = recipe.output, dict[str, bytes]()
        entry = encode_shard(
            shard.stem,
            samples,
            files.__setitem__,
            formats=output.formats,
            encoding=output.encoding,
            rejected=rejected,
        )
        return entry, files

    return work


def _own_address() -> str:
    from distributed import get_worker

    return get_worker().address


def differences(here: dict[str, str], there: dict[str, str]) -> str:
    """Returns what another machine has otherwise, in a few words; empty if nothing.

    Args:
      here, there: {what: hash or version}, such as `Ingredients.inputs` or an environment, whose `python` is not
        compared: it decides no byte.
    """
    told = []
    for what in sorted((here.keys() | there.keys()) - {"python"}):
        name = what.removeprefix("font:").rpartition(":")[0] if what.startswith("font:") else what
        if what not in there:
            told.append(f"lacks {name}")
        elif what not in here:
            told.append(f"has {name}, which is not here")
        elif here[what] != there[what]:
            told.append(f"has {name} {there[what][:16]}, not {here[what][:16]}")
    more = f" and {len(told) - _MOST_TOLD} things more" if len(told) > _MOST_TOLD else ""
    return ", ".join(told[:_MOST_TOLD]) + more
