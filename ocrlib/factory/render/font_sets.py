"""Finds font files: the sets that come with packages, the sets of the system, folders, files."""

import difflib
import os
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path

from ocrlib.errors import UserError
from ocrlib.factory.settings.render import FontSet

_ENDINGS = (".ttf", ".otf", ".ttc")
_PACKAGED = {"trdg:latin": ("trdg", "fonts/latin"), "matplotlib": ("matplotlib", "mpl-data/fonts/ttf")}

# Families that `make fonts` installs, grouped by use. A set consists of those that are installed.
_SYSTEM = {
    "system:serif": (
        *("C059-*", "FreeSerif*", "LiberationSerif-*", "LinLibertine_R*", "NimbusRoman-*", "P052-*"),
        *("URWBookman-*", "texgyrebonum-*", "texgyrepagella-*", "texgyreschola-*", "texgyretermes-*"),
    ),
    "system:sans": (
        *("FreeSans*", "LiberationSans-*", "LinBiolinum_R*", "NimbusSans-*", "NimbusSansNarrow-*"),
        *("URWGothic-*", "texgyreadventor-*", "texgyreheros-*"),
    ),
    "system:typewriter": (
        *("Courier Prime*", "FreeMono*", "Inconsolata*", "LiberationMono-*", "NimbusMonoPS-*", "OCRB.otf"),
        *("TlwgTypewriter*", "texgyrecursor-*"),
    ),
    # Fonts of tills, cash machines and line printers, and fonts made for machines to read.
    "system:machine": (
        *("3270*", "DotGothic16-*", "GNUTypewriter.ttf", "Glass_TTY_VT220.ttf", "OCRA*.ttf", "OCRB.otf"),
        *("TerminusTTF-*", "spleen-*x*.otf", "unifont.otf"),
    ),
    # Of seven and of fourteen segments.
    "system:display": ("DSEG7Classic*", "DSEG7Modern*", "DSEG14Classic*", "DSEG14Modern*"),
}
_SYSTEM_FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "/usr/share/texmf/fonts/opentype",
    "~/.local/share/fonts",
    "~/.fonts",
    "/Library/Fonts",
    "~/Library/Fonts",
)


KNOWN_SETS = (*_PACKAGED, *_SYSTEM)  # what comes with a package or with the system; all else is a path


def find_fonts(font_set: FontSet) -> list[Path]:
    """Returns the files of a set in order of name; an optional set may have none.

    Raises:
      UserError: the set, folder or file does not exist, or holds no font.
    """
    source, unreadable = font_set.source, list[OSError]()
    paths = _find_system(source, unreadable) if source in _SYSTEM else _find_files(source)
    only, without = font_set.only or ("*",), font_set.without
    paths = [path for path in paths if _matches(path, only) and not _matches(path, without)]
    if not paths and not font_set.optional:
        if source in _SYSTEM:
            why = "".join(f" ({error.filename} cannot be read)" for error in unreadable[:1])
            raise UserError(f"[render] fonts '{source}': none of them is installed{why}; `make fonts`, or leave it out")
        among = f" whose name is like {', '.join(font_set.only)}" if font_set.only else ""
        raise UserError(f"[render] fonts '{source}': holds no {', '.join(_ENDINGS)} file{among}")
    return paths


def _matches(path: Path, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(path.name, pattern) for pattern in patterns)


def _find_system(source: str, unreadable: list[OSError]) -> list[Path]:
    """Returns the fonts of a set of the system; why a folder cannot be read goes to `unreadable`."""
    found: dict[str, Path] = {}
    for folder in _SYSTEM_FOLDERS:
        for path in _fonts_below(os.path.expanduser(folder), unreadable.append):
            if _matches(path, _SYSTEM[source]):
                found.setdefault(path.name, path)  # the same file may lie in two of the folders
    return [found[name] for name in sorted(found)]


def _find_files(source: str) -> list[Path]:
    if source in _PACKAGED:
        package, folder = _PACKAGED[source]
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            raise UserError(f"[render] fonts '{source}': the package {package} is not installed; run `make setup`")
        path = Path(spec.origin).parent / folder
    else:
        path = Path(source)
    if path.is_file():
        return [path]
    if not path.is_dir():
        near = difflib.get_close_matches(source, KNOWN_SETS, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near else f"sets are {', '.join(KNOWN_SETS)}"
        raise UserError(f"[render] fonts '{source}': no such set, folder or file; {hint}")

    def refuse(error: OSError) -> None:  # else a dataset would silently be drawn with fewer fonts
        raise UserError(f"[render] fonts '{source}': {error.filename} cannot be read: {error.strerror}")

    return _fonts_below(str(path), refuse)


def _fonts_below(folder: str, tell: Callable[[OSError], None]) -> list[Path]:
    """Returns the font files in a folder and in those below it, sorted; `tell` hears of folders that cannot be read."""

    def unreadable(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            tell(error)

    walked = os.walk(folder, onerror=unreadable)
    paths = (Path(here, name) for here, _, names in walked for name in names)
    return sorted(path for path in paths if path.suffix.lower() in _ENDINGS)
