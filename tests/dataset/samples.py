"""Samples of random pixels, for the tests of the file formats."""

from collections.abc import Sequence

import numpy as np

from ocrlib.dataset.sample import PROVENANCE, Sample, sample_id


def make_sample(index: int = 0, *, text: str = "12.50", width: int = 40, height: int = 32, channels: int = 1) -> Sample:
    """A sample of random pixels that depend on the arguments alone."""
    shape = (height, width) if channels == 1 else (height, width, channels)
    return Sample(
        id=sample_id("train", index),
        text=text,
        image=np.random.default_rng([index, width]).integers(0, 256, shape, dtype=np.uint8),
        provenance={name: kind() for name, kind in PROVENANCE.items()}
        | {
            "font": "Dêjà Vu.ttf",
            "background": "plain_white",
            "skew_deg": -2,
            "blur_px": float(np.float32(0.3)),
            "source": "numeric:amount",
            "seed": 2**63 - 1 - index,
            "attempt": index % 3,
        },
    )


def make_samples(count: int, *, height: int = 32, channels: int = 1) -> Sequence[Sample]:
    """`count` samples of various widths and texts."""
    return [
        make_sample(i, text=f"{i},50 é€😀"[: 1 + i % 7 + i // 7], width=1 + 13 * i, height=height, channels=channels)
        for i in range(count)
    ]
