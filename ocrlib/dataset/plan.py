"""Which samples lie in which shard: a pure function of the recipe's numbers."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Shard:
    """Samples [start, stop) of a split. Its content depends on these alone, not on num_shards."""

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
        """The name of the content, such as `train-00000:5000`; stays when the dataset grows around it."""
        return f"{self.split}-{self.index:05d}:{self.stop - self.start}"

    @property
    def num_samples(self) -> int:
        """How many samples it holds."""
        return self.stop - self.start

    def __str__(self) -> str:
        return self.stem


def plan_shards(splits: Mapping[str, int], shard_samples: int) -> list[Shard]:
    """Returns the shards of every split in order; all are full but each split's last.

    Args:
      splits: {split: samples}; a split of 0 samples has no shard.
      shard_samples: samples in a full shard, at least 1.
    """
    shards = []
    for split, samples in splits.items():
        num_shards = -(-samples // shard_samples)
        for index in range(num_shards):
            start = index * shard_samples
            stop = min(start + shard_samples, samples)
            shards.append(Shard(split=split, index=index, num_shards=num_shards, start=start, stop=stop))
    return shards
