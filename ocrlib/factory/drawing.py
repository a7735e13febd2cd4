"""One shard in a worker: its lines drawn, its files encoded and written, and the note that it is finished."""

import gc
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import cv2
from threadpoolctl import threadpool_limits

from ocrlib.arguments import find_place
from ocrlib.dataset.manifest import ShardEntry
from ocrlib.dataset.plan import Shard
from ocrlib.dataset.sample import Sample
from ocrlib.dataset.shards import encode_shard
from ocrlib.dataset.store import Store
from ocrlib.errors import UserError
from ocrlib.factory import work_folder, work_store, workers
from ocrlib.factory.ingredients import Ingredients
from ocrlib.factory.recipe import Recipe
from ocrlib.factory.render.fonts import Face
from ocrlib.factory.render.renderer import Renderer
from ocrlib.factory.text import open_text
from ocrlib.factory.text.source import TextSource
from ocrlib.files import write_bytes

# Makes shards in a folder and yields them in any order; the last argument is called with the lines that were drawn.
Pool = Callable[
    [Sequence[Shard], Recipe, Ingredients, Path | str, workers.Report],
    Iterator[tuple[Shard, ShardEntry]],
]
_PROGRESS_SAMPLES = 25  # a worker reports after so many


def on_this_machine(num_workers: int) -> Pool:
    """Returns the pool of so many processes, each of which writes the files of its shards."""

    def make_shards(
        todo: Sequence[Shard], recipe: Recipe, ingredients: Ingredients, out: Path | str, on_progress: workers.Report
    ) -> Iterator[tuple[Shard, ShardEntry]]:
        return workers.run_tasks(
            todo,
            num_workers=num_workers,
            start=start_worker,
            start_args=(recipe, ingredients.faces, str(out)),
            on_progress=on_progress,
        )

    return make_shards


def start_worker(recipe: Recipe, faces: list[Face], out: str) -> workers.Work:
    """Returns the function that makes a shard; called in each worker, which opens the texts for itself."""
    renderer = start_drawing(recipe, faces, open_text(recipe.text, recipe.seed))
    target = find_place(out)
    return lambda shard, report: _make_shard(shard, recipe, renderer, target, report)


def start_drawing(recipe: Recipe, faces: list[Face], texts: TextSource) -> Renderer:
    """Returns the renderer of a worker, which gets one thread.

    OpenCV and numpy's BLAS would start as many as there are cores, in every worker, and these would only take the cores
    from each other.
    """
    cv2.setNumThreads(1)
    threadpool_limits(1)
    gc.freeze()
    gc.set_threshold(100_000)  # the samples of a shard are no garbage: looking through them time and again took 3%
    return Renderer(recipe.render, recipe.seed, faces, texts)


def draw_samples(shard: Shard, renderer: Renderer, report: workers.Report) -> tuple[list[Sample], Counter[str]]:
    """Returns the lines of a shard, and {reason: draws} that were drawn again for them."""
    samples, rejected = [], Counter[str]()
    for count, index in enumerate(range(shard.start, shard.stop), 1):
        sample, rejects = renderer.render(shard.split, index)
        samples.append(sample)
        rejected.update(rejects)
        if count % _PROGRESS_SAMPLES == 0:
            report(_PROGRESS_SAMPLES)
    report(shard.num_samples % _PROGRESS_SAMPLES)
    return samples, rejected


def _make_shard(
    shard: Shard, recipe: Recipe, renderer: Renderer, out: Path | str, report: workers.Report
) -> ShardEntry:
    """Renders a shard, writes its files, and then the note that it is finished."""
    samples, rejected = draw_samples(shard, renderer, report)
    output = recipe.output
    put, note = ways_to(out)
    with saving(out, shard):
        entry = encode_shard(
            shard.stem, samples, put, formats=output.formats, encoding=output.encoding, rejected=rejected
        )
        note(shard, entry)
    return entry


def ways_to(out: Path | str) -> tuple[Callable[[str, bytes], None], Callable[[Shard, ShardEntry], None]]:
    """Returns what writes a file of a shard, and what notes that a shard is finished, in a folder or a store."""
    if isinstance(out, str):
        store = Store(out)
        return store.write, partial(work_store.write_note, store)
    return lambda name, data: write_bytes(out / name, data), partial(work_folder.write_note, out)


@contextmanager
def saving(out: Path | str, shard: Shard) -> Iterator[None]:
    """Says in one line that a shard cannot be written, and how to go on."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{out}/{shard.stem}: cannot be written: {error.strerror}; mend that and run the same command again, "
            "finished shards are kept"
        ) from None
