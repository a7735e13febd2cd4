"""Several datasets in one run: for each batch it is drawn which of them it comes from."""

from collections.abc import Iterator, Sequence

import numpy as np

from ocrlib.batches.loader import Batch, Loader, random_for
from ocrlib.errors import UserError


class Mixture:
    """Several loaders as one.

    Without weights an epoch has every batch of each dataset once. With weights it has the same number of batches, but
    each dataset's share of them follows its weight. A dataset then begins anew whenever all its lines were read, in
    the middle of an epoch too, and the next epoch goes on where this one stopped. The order of the datasets is drawn
    from seed and epoch.

    Args:
      loaders: at least one.
      weights: above 0, one for each loader; None for every batch once.

    Raises:
      UserError: their images differ in height or channels.
    """

    def __init__(self, loaders: Sequence[Loader], weights: Sequence[float] | None = None) -> None:
        self.loaders, self.weights = list(loaders), weights
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
            loader.batches(seed, epoch, int(done))
            if self.weights is None
            else _endless(loader, seed, epoch * quota + int(done))
            for loader, quota, done in zip(self.loaders, quotas, passed, strict=True)
        ]
        for turn in turns[skip:]:
            yield next(sources[turn])

    def _quotas(self, seed: int | None, epoch: int) -> list[int]:
        if self.weights is None:
            return [loader.count(seed, epoch) for loader in self.loaders]
        total = sum(loader.count(seed, 0) for loader in self.loaders)
        return [max(1, round(total * weight / sum(self.weights))) for weight in self.weights]


def _endless(loader: Loader, seed: int | None, start: int) -> Iterator[Batch]:
    """Yields the batches of a loader, epoch after epoch without end, from the batch with the index `start` on."""
    own_epoch = 0
    while start >= (count := loader.count(seed, own_epoch)):
        start -= count
        own_epoch += 1
    while True:
        yield from loader.batches(seed, own_epoch, start)
        own_epoch, start = own_epoch + 1, 0
