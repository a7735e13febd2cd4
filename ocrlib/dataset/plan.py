"""Which samples lie in which shard: a pure function of the recipe's numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Shard:
    """A planned shard: samples [start, stop) of a split. Its content depends on these alone, not on num_shards."""

    split: str
    index: int
    num_shards: int
    start: int
    stop: int

    @property
    def stem(self) -> str:
        """The file name without its ending, such as `train-00000-of-00008`."""
        return f"{self.split}-{self.index:05d}-of-{self.num_shards:05d}"

    @property
    def key(self) -> str:
        """The name of the content, such as `train-00000:5000`; it stays the same when the dataset grows."""
        return f"{self.split}-{self.index:05d}:{self.num_samples}"

    @property
    def num_samples(self) -> int:
        """How many samples it holds."""
        return self.stop - self.start

    def __str__(self) -> str:
        return self.stem


def plan_shards(splits: Mapping[str, int], shard_samples: int) -> list[Shard]:
    """Returns the shards of every split in order; in each split only the last one may be less than full.

    Args:
      splits: {split: samples}; a split of 0 samples has no shard.
      shard_samples: samples in a full shard, at least 1.
    """
    shards = []
    for split, samples in splits.items():
        sizes = [min(shard_samples, samples - start) for start in range(0, samples, shard_samples)]
        shards += plan_split(split, sizes)
    return shards


def plan_split(split: str, sizes: Sequence[int]) -> list[Shard]:
    """Returns the shards of one split that hold so many samples each, one after the other."""
    shards, start = [], 0
    for index, size in enumerate(sizes):
        shards.append(Shard(split=split, index=index, num_shards=len(sizes), start=start, stop=start + size))
        start += size
    return shards
