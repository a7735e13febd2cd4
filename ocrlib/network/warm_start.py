"""A training that starts from a known network, that of a run or a shipped model, and gives it another charset.

All layers but the last are taken as they are. In the last layer the weights of the blank and of the characters that
both charsets have are kept; the other characters start with random weights, as in a new network. The characters that
only the known network has are dropped, or kept beside the new ones.

Some of it can be left as it is. The averages of the batch normalisations should be where few lines are learned from, or
lines of two kinds in turn: each batch would normalise by itself, and the averages would follow the last ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ocrlib.backend import keras
from ocrlib.charset import Charset
from ocrlib.errors import UserError
from ocrlib.network.crnn import width_stride
from ocrlib.network.layers import FusedBatchNormalization, OwnCharacters
from ocrlib.network.open import find_model, load_keras

Frozen = Literal["nothing", "norms", "columns"]
_LAST = "characters"


@dataclass(frozen=True, kw_only=True)
class Start:
    """A network to start from.

    Attributes:
      network: with a last layer for the new charset.
      charset: of the network.
      carried, fresh, dropped: the characters that both charsets have, that only the new one has, that only the old had.
    """

    network: keras.Model
    charset: Charset
    carried: str
    fresh: str
    dropped: str

    def __str__(self) -> str:
        parts = [f"stride {width_stride(self.network)}", f"{len(self.carried)} characters carry over"]
        parts += [f"{len(self.fresh)} start fresh ({_some(self.fresh)})"] if self.fresh else []
        parts += [f"{len(self.dropped)} are dropped ({_some(self.dropped)})"] if self.dropped else []
        return ", ".join(parts)


def start_from(model: str, charset: Charset, height: int, channels: int, *, keep: bool = False) -> Start:
    """Returns the network of a model with a last layer for `charset`.

    Args:
      model: a run folder, a `.keras` file, or a shipped name.
      charset: of the labels to learn from.
      height, channels: of their images.
      keep: all characters of the model, before those of `charset` that it lacks.

    Raises:
      UserError: there is no such model, or it reads images of another height or number of channels.
    """
    path = find_model(model, (".keras",))
    source, known = load_keras(path)
    (_, own_height, _, own_channels) = next(tensor for tensor in source.inputs if tensor.name == "image").shape
    if (own_height, own_channels) != (height, channels):
        raise UserError(
            f"{path}: reads images of height {own_height} and {own_channels} channels, the dataset has "
            f"{height} and {channels}; start from another model, or without --init"
        )
    if keep:
        charset = Charset("".join(dict.fromkeys(known.characters + charset.characters)))
    if isinstance(source.get_layer(_LAST), OwnCharacters) and known.characters != charset.characters:
        raise UserError(
            f"{path}: a network of your own can only be trained further with its own charset, {known.characters!r}; "
            "set it with --data.charset, or begin anew without --init"
        )
    settings = source.get_config()
    for layer in settings["layers"]:
        if layer["name"] == _LAST:
            layer["config"] |= {"num_classes": charset.num_classes, "charset": charset.characters}
    network = keras.Model.from_config(settings)
    freeze(network, "nothing")  # the model may have been trained with frozen layers
    for layer in network.layers:
        if layer.name != _LAST:
            layer.set_weights(source.get_layer(layer.name).get_weights())
    last = network.get_layer(_LAST)
    last.set_weights(_carry_over(source.get_layer(_LAST).get_weights(), last.get_weights(), known, charset))
    return Start(
        network=network,
        charset=charset,
        carried="".join(c for c in charset.characters if c in known.characters),
        fresh="".join(c for c in charset.characters if c not in known.characters),
        dropped="".join(c for c in known.characters if c not in charset.characters),
    )


def freeze(network: keras.Model, what: Frozen) -> None:
    """Lets the layers of a network learn, except for what is to stay as it is.

    Args:
      network: of `build_crnn`.
      what: norms: the averages that every batch normalisation normalises by; columns: beside them all that comes
        before the line is read along.
    """
    before_columns = True
    for layer in network.layers:
        layer.trainable = not (what == "columns" and before_columns)
        if isinstance(layer, FusedBatchNormalization):
            layer.keeps_averages = what != "nothing"
        before_columns &= layer.name != "columns"


def _carry_over(
    before: Sequence[np.ndarray], fresh: Sequence[np.ndarray], known: Charset, charset: Charset
) -> list[np.ndarray]:
    """Returns (f, C) kernel and (C,) bias: `before` for shared characters and the blank, `fresh` for the others."""
    new_class = {known.characters.index(c): i for i, c in enumerate(charset.characters) if c in known.characters}
    new_class[known.blank] = charset.blank
    mixed = [array.copy() for array in fresh]
    for old, new in zip(before, mixed, strict=True):
        new[..., list(new_class.values())] = old[..., list(new_class)]
    return mixed


def _some(characters: str) -> str:
    return characters if len(characters) <= 20 else f"{characters[:20]} ..."
