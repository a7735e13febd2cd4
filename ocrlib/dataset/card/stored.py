"""The card of a dataset in an object store: written in its mirror, then put beside its shards."""

from contextlib import suppress
from pathlib import Path

from ocrlib.dataset.card.card import CARD_NAME, MAX_README_BYTES, PAGE_NAME, PREVIEW_NAME, README_NAME, write_card
from ocrlib.dataset.mirror import mirrored, told_as_placed
from ocrlib.dataset.store import Store, is_address
from ocrlib.files import write_bytes


def write_card_at(place: Path | str, split: str | None = None, trust: bool = False) -> str:
    """Writes the card of a dataset beside it, wherever that is, and returns its text; all as `card.write_card`."""
    folder = mirrored(place, None if split is None else [split])
    if not is_address(place):
        return write_card(folder, split, trust)
    store = Store(str(place))
    with suppress(FileNotFoundError):  # a README.md that is not one of ours stays as it is
        write_bytes(folder / README_NAME, store.read(README_NAME, MAX_README_BYTES))
    with told_as_placed(folder):
        text = write_card(folder, split, trust)
    names = [CARD_NAME, PREVIEW_NAME, PAGE_NAME, README_NAME]
    if split is not None:
        names = [str(Path(name).with_stem(f"{Path(name).stem}-{split}")) for name in (CARD_NAME, PREVIEW_NAME)]
    for name in names:
        store.write(name, (folder / name).read_bytes())
    return text.replace(str(folder), store.address)
