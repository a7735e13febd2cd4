"""Batches as a `tf.data.Dataset`: what `fit` trains on, and what `ocrlib.load` gives a network of your own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ocrlib.arguments import find_place
from ocrlib.batches.loader import Batch, Loader
from ocrlib.batches.split import SplitLines
from ocrlib.charset import Charset
from ocrlib.dataset.manifest import ImageShape, read_manifest
from ocrlib.dataset.mirror import mirrored
from ocrlib.errors import UserError


class BatchSource(Protocol):
    """Where batches come from: a Loader or a Mixture."""

    image: ImageShape

    def batches(self, seed: int | None = None, epoch: int = 0, skip: int = 0) -> Iterator[Batch]:
        """Yields the batches of an epoch except the first `skip`."""
        ...


def to_tf_dataset(
    source: BatchSource,
    seed: int | None = None,
    epoch: int = 0,
    skip: int = 0,
    augment: Callable[[Any, Any, Any], Any] | None = None,
) -> Any:
    """Returns a `tf.data.Dataset` of the batches of an epoch; with a seed, each iteration gives the next epoch.

    Args:
      source: where the batches come from.
      seed, epoch, skip: as for `Loader.batches`.
      augment: image (B, H, W, C) uint8, width (B,) int32, seed (2,) int32 -> image, run in the graph. Its seed depends
        on `seed`, the epoch and the batch's place in the epoch.
    """
    from ocrlib.backend import tf

    following = {"epoch": epoch, "skip": skip}  # where the next iteration begins

    def one_epoch() -> Iterator[Batch]:
        this_epoch, first = following["epoch"], following["skip"]
        if seed is not None:
            following.update(epoch=this_epoch + 1, skip=0)
        for number, batch in enumerate(source.batches(seed, this_epoch, first), first):
            yield batch | {"seed": np.array([((seed or 0) * 8191 + this_epoch) % 2**31, number], np.int32)}

    def augmented(batch: dict[str, Any]) -> dict[str, Any]:
        batch_seed = batch.pop("seed")
        return batch if augment is None else batch | {"image": augment(batch["image"], batch["width"], batch_seed)}

    signature = {
        "image": tf.TensorSpec((None, source.image.height, None, source.image.channels), tf.uint8),
        "width": tf.TensorSpec((None,), tf.int32),
        "label": tf.TensorSpec((None, None), tf.int32),
        "label_length": tf.TensorSpec((None,), tf.int32),
        "id": tf.TensorSpec((None,), tf.string),
        "seed": tf.TensorSpec((2,), tf.int32),
    }
    return tf.data.Dataset.from_generator(one_epoch, output_signature=signature).map(augmented).prefetch(4)


def load(
    dataset: str | Path,
    split: str,
    batch_size: int = 64,
    charset: str | None = None,
    seed: int | None = 1,
    cache: str | Path | None = None,
) -> Any:
    """Returns a `tf.data.Dataset` of a dataset's batches, for a network of your own.

    Each element is a dict: image (B, H, W, C) uint8, padded on the right with white; width (B,) int32, pixels of each
    line without padding; label (B, L) int32, padded with -1; label_length (B,) int32; id (B,) strings. A class is the
    position of a character in the charset. Each iteration gives the next epoch.

    Args:
      dataset: its folder, or its address in a store.
      split: `train`, `val` or `test`.
      batch_size: lines in a batch of average width; batches of wider lines have fewer.
      charset: a name or the characters; None takes the dataset's own.
      seed: of the shuffle; None for the order of the files.
      cache: a folder that a stored dataset is copied into; None for `datasets/.cache` or $OCRLIB_CACHE.

    Raises:
      UserError: no such dataset or split, no such charset, a shard is damaged, or a label has characters that the
        charset lacks.
    """
    folder = mirrored(find_place(str(dataset)), [split], cache=None if cache is None else Path(cache))
    try:
        known = Charset(read_manifest(folder).charset) if charset is None else Charset.named(charset)
    except UserError:
        raise
    except ValueError as error:
        raise UserError(f"charset: {error}") from None
    loader = Loader(SplitLines(folder, split, known, hashes=True), None, batch_size)
    loader.check()  # here: TensorFlow would make an error of its own of it, in the midst of an epoch
    return to_tf_dataset(loader, seed)
