"""The lines of a folder of pictures, listed without opening one: 100,000 of them in half a second."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ocrlib.dataset.manifest import FILE_NAME
from ocrlib.errors import UserError
from ocrlib.pictures.opening import ENDINGS, UNREADABLE_ENDINGS
from ocrlib.pictures.pairs import TEXT_ENDING, Pair, Unusable

# ocropy and kraken keep a line up to three times: as it was, straightened, in black and white. One is shown.
_FORMS = {"": 0, ".nrm": 1, ".bin": 2}
_PICTURE, _OTHER_PICTURE = (frozenset(ending[1:] for ending in some) for some in (ENDINGS, UNREADABLE_ENDINGS))


class Lines(Sequence[Pair]):
    """The lines of a folder and of those below it, sorted; which picture has which text is as in `pairs.find_pairs`.

    Args:
      root: the folder.

    Attributes:
      names: of the pictures, below the folder.
      labelled: whether its text is there already, for each.
      left_out: what else is in the folder.

    Raises:
      UserError: it is no folder, holds no pictures, or is a dataset.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise UserError(f"{root}: no such folder; expected one with pictures of lines")
        if (root / FILE_NAME).exists():
            raise UserError(f"{root}: is a dataset, whose lines have their texts; expected a folder of pictures")
        self._root = root
        self.names: list[str] = []
        self.labelled: list[bool] = []
        self.left_out: list[Unusable] = []
        self._texts: dict[int, str] = {}  # file names that are not the usual ones, such as A.GT.TXT
        for below, files in self._walk(""):
            self._add(below, files)
        if not self.names:
            raise UserError(f"{root}: the folder has no pictures")

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, number: int) -> Pair:  # type: ignore[override]
        picture = self._root / self.names[number]  # paths are made when needed: they are slow
        text = self._texts.get(number) or os.path.splitext(picture.name)[0] + TEXT_ENDING
        return Pair(name=self.names[number], picture=picture, text=picture.with_name(text))

    def labelled_names(self) -> set[str]:
        """Returns the names of the pictures whose texts are there."""
        return {name for name, labelled in zip(self.names, self.labelled, strict=True) if labelled}

    def _walk(self, below: str) -> Iterator[tuple[str, list[str]]]:
        """Yields each folder with the names of its files, sorted."""
        files, folders = [], []
        try:
            with os.scandir(self._root / below) as entries:
                for entry in entries:
                    if entry.is_file():
                        files.append(entry.name)
                    elif entry.is_dir():
                        if entry.is_symlink():
                            self._leave_out(below + entry.name, "link to a folder")
                        else:
                            folders.append(f"{below}{entry.name}/")
        except OSError as error:
            self._leave_out(below or ".", "folder cannot be read", error.strerror or "")
        yield below, sorted(files)
        for folder in sorted(folders):
            yield from self._walk(folder)

    def _add(self, below: str, files: list[str]) -> None:
        """Adds the lines of a folder."""
        texts: dict[str, str] = {}
        groups: dict[str, list[str]] = {}
        for name in files:
            stem, _, ending = name.rpartition(".")
            ending = ending.lower()
            if ending == "txt" and name.lower().endswith(TEXT_ENDING):
                texts[name[: -len(TEXT_ENDING)]] = name
            elif ending in _PICTURE and stem:
                groups.setdefault(stem[:-4] if stem.endswith((".nrm", ".bin")) else stem, []).append(name)
            elif ending in _OTHER_PICTURE:
                self._leave_out(below + name, "kind of picture that is not read")
        used = set()
        for stem, pictures in groups.items():
            first = pictures[0] if len(pictures) == 1 else _first(stem, pictures, texts)
            own = first.rpartition(".")[0]
            text = texts.get(own) or texts.get(stem)
            if text is not None:
                used.add(text)
                if text != own + TEXT_ENDING:
                    self._texts[len(self.names)] = text
            self.names.append(below + first)
            self.labelled.append(text is not None)
            for name in pictures:
                if name != first:
                    self._leave_out(below + name, "another form of a line", f"{first} is taken")
        for text in texts.values():
            if text not in used:
                self._leave_out(below + text, "no picture")

    def _leave_out(self, name: str, reason: str, detail: str = "") -> None:
        self.left_out.append(Unusable(name=name, reason=reason, detail=detail))


def _first(stem: str, pictures: Sequence[str], texts: dict[str, str]) -> str:
    """The picture of a line to show: the first form, of those that have a text if any has."""

    def place(name: str) -> tuple[bool, int, str]:
        own = name.rpartition(".")[0]
        return own not in texts and stem not in texts, _FORMS.get(own.removeprefix(stem), 0), name

    return min(pictures, key=place)
