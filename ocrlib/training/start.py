"""Which model a training starts from: the one that the user names, none, or the shipped one that fits best."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from ocrlib.batches.loader import Loader
from ocrlib.batches.split import SplitLines
from ocrlib.charset import Charset
from ocrlib.dataset.manifest import Manifest, read_manifest
from ocrlib.evaluation.metrics import count_errors
from ocrlib.network.crnn import STRIDES
from ocrlib.network.open import Network, open_network, shipped_names
from ocrlib.reading.recognizer import Recognizer
from ocrlib.training.settings import ModelConfig

AUTO, NONE = "auto", "none"
_SHARED = 0.5  # of the characters: a model that knows fewer of them is no start
_TRIED_BATCHES = 2  # of the first dataset's lines, 64 each, that models which fit alike are tried on


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A model to start from.

    Attributes:
      model: a shipped name, or what the user named; None starts from nothing.
      why: for the first line of the training and for config.json.
    """

    model: str | None
    why: str

    def __str__(self) -> str:
        return f"starts from {self.model or 'nothing'}: {self.why}"


def choose_start(asked: str | None, datasets: Sequence[Path], settings: ModelConfig) -> Chosen:
    """Returns the model that a training on datasets starts from.

    `auto` takes, of the shipped models for images of that height, the one that knows most of the characters; of
    several, one of the stride that the datasets would get; of several, the one that reads some of their lines best.

    Args:
      asked: auto, none, or what a user calls a model; None is auto.
      datasets: their folders.
      settings: where they describe a network, auto starts from nothing.

    Raises:
      UserError: no such dataset.
    """
    if asked == NONE:
        return Chosen(model=None, why="as --init none says")
    if asked not in (None, AUTO):
        return Chosen(model=asked, why="as --init says")
    if settings.asks_for_network:
        return Chosen(model=None, why="--model describes a network of its own")
    manifests = [read_manifest(folder) for folder in datasets]
    wanted = set("".join(manifest.charset for manifest in manifests))
    shape = (manifests[0].image.height, manifests[0].image.channels)
    # A recipe draws lines wide enough for the network that it has in mind; a longer stride may have too few steps.
    room = min(manifest.recipe.get("render", {}).get("px_per_step", max(STRIDES)) for manifest in manifests)
    models = {name: open_network(name) for name in shipped_names()}
    models = {
        name: model
        for name, model in models.items()
        if (model.height, model.channels) == shape and model.width_stride <= room
    }
    if not models:
        what = f"height {shape[0]} and {shape[1]} channels, in steps of {room} pixels at most"
        return Chosen(model=None, why=f"no shipped model reads images of {what}")
    known = {name: len(wanted & set(model.charset.characters)) for name, model in models.items()}
    most = max(known.values())
    if most < _SHARED * len(wanted):
        return Chosen(model=None, why=f"no shipped model knows more than {most} of the {len(wanted)} characters")
    stride = wanted_stride(manifests, settings)
    best = [name for name in models if known[name] == most]
    best = [name for name in best if models[name].width_stride == stride] or best
    why = f"it knows {'all' if most == len(wanted) else f'{most} of'} {len(wanted)} characters"
    name = best[0]
    if len(best) > 1:
        rates = {name: _error_rate(models[name], datasets[0]) for name in best}
        name = min(rates, key=lambda each: rates[each])
        others = ", ".join(f"{other} {rate:.1%}" for other, rate in rates.items() if other != name)
        why += f", and has a CER of {rates[name]:.1%} on some of the lines ({others})"
    return Chosen(model=name, why=f"{why}; --init none starts from nothing")


def start_of(begun: Mapping[str, Any], asked: str | None) -> Chosen:
    """Returns the model that a run which goes on started from, or what is asked for now, where it is named.

    Args:
      begun: config.json of the run.
      asked: as for `choose_start`.
    """
    if asked in (None, AUTO):
        return Chosen(model=begun.get("init"), why=begun.get("why", ""))
    return choose_start(asked, (), ModelConfig())


def wanted_stride(manifests: Sequence[Manifest], settings: ModelConfig) -> int:
    """Returns the pixels of width per time step that a new network would get: 2 for numeric strings, else 4.

    Imported lines count as numeric strings where no letter is among their characters.
    """
    return settings.stride or (4 if any(is_language(manifest) for manifest in manifests) else 2)


def is_language(manifest: Manifest) -> bool:
    """Whether the lines of a dataset are no numeric strings, and want the larger network."""
    if manifest.imported:
        return any(character.isalpha() for character in manifest.charset)
    return bool(manifest.recipe["text"]["source"] != "numeric")


def _error_rate(model: Network, folder: Path) -> float:
    """Returns the CER of a shipped model on some lines that are learned from."""
    charset = Charset(read_manifest(folder).charset)
    loader = Loader(SplitLines(folder, "train", charset), stride=None)
    recognizer = Recognizer(model)
    truths, texts = [], []
    for batch in islice(loader.batches(), _TRIED_BATCHES):
        texts += [reading.text for reading in recognizer.read_batch(batch["image"], batch["width"])]
        for label, length in zip(batch["label"], batch["label_length"], strict=True):
            truths.append(charset.decode(label[:length].tolist()))
    return count_errors(truths, texts).cer
