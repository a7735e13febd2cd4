"""Several datasets in one run: for each batch it is drawn which of them it comes from."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import TypeVar

import numpy as np

from ocrlib.batches.loader import Batch, Loader, random_for
from ocrlib.errors import UserError

T = TypeVar("T")


class Mixture:
    """Several loaders as one.

    Without weights an epoch has every batch of each dataset once. With weights it has the same number of batches, but
    each dataset's share of them follows its weight. A dataset then begins anew whenever all its lines were read, in
    the middle of an epoch too, and the next epoch goes on where this one stopped. So it does with a given number of
    batches. The order of the datasets is drawn from seed and epoch.

    Args:
      loaders: at least one.
      weights: above 0, one for each loader; None for every batch once, or as many of each as it has.
      num_batches: of an epoch, about; None for as many as the loaders have.

    Raises:
      UserError: their images differ in height or channels.
    """

    def __init__(
        self, loaders: Sequence[Loader], weights: Sequence[float] | None = None, num_batches: int | None = None
    ) -> None:
        self.loaders, self.weights, self._num_batches = list(loaders), weights, num_batches
        self.image = loaders[0].image
        self.num_samples = sum(loader.num_samples for loader in loaders)
        for loader in loaders:
            if (loader.image.height, loader.image.channels) != (self.image.height, self.image.channels):
                raise UserError(
                    f"{loader.lines.folder}: has images of height {loader.image.height} and {loader.image.channels} "
                    f"channels, {loaders[0].lines.folder} of {self.image.height} and {self.image.channels}; "
                    "they cannot be mixed"
                )

    def count(self, seed: int | None, epoch: int) -> int:
        """Returns the number of batches of an epoch."""
        return sum(self._quotas(seed, epoch))

    def batches(self, seed: int | None = None, epoch: int = 0, skip: int = 0) -> Iterator[Batch]:
        """Yields the batches of an epoch, as `Loader.batches` does."""
        quotas = self._quotas(seed, epoch)
        turns = np.repeat(np.arange(len(self.loaders)), quotas)
        if (random := random_for(seed, epoch, 0)) is not None:
            turns = turns[random.permutation(len(turns))]
        passed = np.bincount(turns[:skip], minlength=len(self.loaders))
        sources = [
            self._source(partial(loader.batches, seed), partial(loader.count, seed), epoch, quota, int(done))
            for loader, quota, done in zip(self.loaders, quotas, passed, strict=True)
        ]
        for turn in turns[skip:]:
            yield next(sources[turn])

    def lines(self, seed: int | None, epoch: int) -> list[int]:
        """Returns how many lines of each dataset an epoch has."""
        return [
            sum(islice(self._source(_without_first(loader, seed), partial(loader.count, seed), epoch, quota, 0), quota))
            for loader, quota in zip(self.loaders, self._quotas(seed, epoch), strict=True)
        ]

    def _source(
        self, items: Callable[[int, int], Iterator[T]], count: Callable[[int], int], epoch: int, quota: int, done: int
    ) -> Iterator[T]:
        """Yields what a loader has for an epoch after the first `done` of its batches.

        Args:
          items: epoch of the loader, batches to leave out -> something for each further batch of it.
          count: epoch of the loader -> its batches.
        """
        if self.weights is None and self._num_batches is None:
            return items(epoch, done)
        return _endless(items, count, epoch * quota + done)

    def _quotas(self, seed: int | None, epoch: int) -> list[int]:
        if self.weights is None and self._num_batches is None:
            return [loader.count(seed, epoch) for loader in self.loaders]
        counts = [loader.count(seed, 0) for loader in self.loaders]
        total, weights = self._num_batches or sum(counts), self.weights or counts
        return [max(1, round(total * weight / sum(weights))) for weight in weights]


def _without_first(loader: Loader, seed: int | None) -> Callable[[int, int], Iterator[int]]:
    return lambda epoch, skip: islice(loader.sizes(seed, epoch), skip, None)


def _endless(items: Callable[[int, int], Iterator[T]], count: Callable[[int], int], start: int) -> Iterator[T]:
    """Yields the items of one epoch after the other, without end, from the one with the index `start` on."""
    own_epoch = 0
    while start >= (length := count(own_epoch)):
        start -= length
        own_epoch += 1
    while True:
        yield from items(own_epoch, start)
        own_epoch, start = own_epoch + 1, 0
