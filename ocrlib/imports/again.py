"""An imported dataset held against its sources: some of its lines imported again and compared."""

from pathlib import Path

from ocrlib.dataset.manifest import FILE_NAME, Manifest
from ocrlib.dataset.sample import Sample
from ocrlib.dataset.shards import shard_samples
from ocrlib.dataset.verify import same_sample
from ocrlib.errors import UserError
from ocrlib.factory.trust import refuse_untrusted
from ocrlib.imports.layouts import LAYOUTS
from ocrlib.imports.ledger import Wanted
from ocrlib.imports.line import Line
from ocrlib.imports.prepare import Refused, digest_of, open_sources, prepare
from ocrlib.imports.settings import Import, import_from_dict
from ocrlib.imports.shards import sample_of
from ocrlib.pictures.truths import label_of


def import_again(folder: Path, manifest: Manifest, num_samples: int, trust: bool = False) -> list[str]:
    """Imports evenly spread lines of a dataset again; returns what differs from the shards, a line each.

    Args:
      folder: of the dataset.
      manifest: its manifest.
      num_samples: how many.
      trust: open the sources that do not lie in the folder.

    Raises:
      UserError: the sources are not trusted; a source is not there any more.
    """
    asked = import_from_dict(manifest.recipe, str(folder / FILE_NAME))
    if not trust:
        refuse_untrusted(folder, [source.path for source in asked.sources])
    for source in asked.sources:
        if not Path(source.path).exists():
            raise UserError(f"{folder}: cannot be imported again: {source.path} is not there any more")
    chosen = _choose(folder, manifest, min(num_samples, manifest.num_samples))
    found = _find(asked, set(chosen))
    read, problems = open_sources(asked), []
    for name, (stem, stored) in chosen.items():
        where = f"{folder / stem}: sample {stored.id}"
        if name not in found:
            problems.append(f"{where}: {name} is not in the sources any more")
            continue
        number, line = found[name]
        label = label_of(line.text, None)[0]
        wanted = Wanted(row=0, name=name, source=number, place=line.place, label=label)
        try:
            image, _ = prepare(wanted, read, asked.render)
        except Refused as error:
            problems.append(f"{where}: {name} cannot be used any more: {error}")
            continue
        if not same_sample(stored, sample_of(stored.id, name, label, image, digest_of(image))):
            problems.append(f"{where}: {name} is another picture or text now")
    return problems


def _choose(folder: Path, manifest: Manifest, num_samples: int) -> dict[str, tuple[str, Sample]]:
    """Returns {name in the source: (its shard, the sample)} of evenly spread samples."""
    wanted = {i * manifest.num_samples // num_samples for i in range(num_samples)}
    chosen: dict[str, tuple[str, Sample]] = {}
    position = 0
    for shard in manifest.shards:
        rows = [i for i in range(shard.samples) if position + i in wanted]
        position += shard.samples
        if rows:
            samples = shard_samples(folder, shard, manifest.image)
            chosen |= {str(samples[i].provenance["source"]): (shard.stem, samples[i]) for i in rows}
    return chosen


def _find(asked: Import, names: set[str]) -> dict[str, tuple[int, Line]]:
    """Returns {name: (number of its source, line)} of the lines called so."""
    found: dict[str, tuple[int, Line]] = {}
    for number, source in enumerate(asked.sources):
        for line in LAYOUTS[source.layout].list_lines(Path(source.path), asked.asked_of(source)):
            if not isinstance(line, Line):
                continue
            name = source.longer_name(line.name) if line.name in found else line.name
            if name in names:
                found[name] = (number, line)
    return found
