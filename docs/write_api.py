"""Writes docs/api.md from the docstrings of what ocrlib makes public: `python docs/write_api.py`."""

import inspect
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import ocrlib  # noqa: E402

PAGE = ROOT / "docs" / "api.md"
_ORDER = ("Reader", "Reading", "UserError", "make_dataset", "train", "evaluate", "load", "read_hdf5")
_METHODS = {"Reader": ("read", "read_many", "close")}
_HEAD = """# The Python API

`import ocrlib` takes a few milliseconds; each name below is loaded when you first use it. Reading needs no TensorFlow.
Made by `make api` from the docstrings; do not edit it by hand.
"""


def page() -> str:
    """Returns the text of docs/api.md."""
    return "\n".join([_HEAD, *(_section(name) for name in _ORDER)])


def _section(name: str) -> str:
    thing = getattr(ocrlib, name)
    parts = [f"## `ocrlib.{name}`", _with_signature(name, thing)]
    for method in _METHODS.get(name, ()):
        parts += [f"### `{name}.{method}`", _with_signature(method, getattr(thing, method))]
    return "\n\n".join(parts) + "\n"


def _with_signature(name: str, thing: object) -> str:
    """The signature of a function or a class as code, and its docstring as text with its lists kept."""
    text = f"```python\n{name}{_signature(thing)}\n```\n\n" if name not in ("Reading", "UserError") else ""
    return text + _as_markdown(inspect.getdoc(thing) or "")


def _signature(thing: object) -> str:
    signature = inspect.signature(thing)  # type: ignore[arg-type]
    parameters = [parameter for parameter in signature.parameters.values() if parameter.name != "self"]
    bare = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters]
    one_line = str(inspect.Signature(bare))
    return one_line if len(one_line) <= 90 else "(\n    " + one_line[1:-1].replace(", ", ",\n    ") + ",\n)"


def _as_markdown(doc: str) -> str:
    """A docstring as Markdown: `Args:` becomes a heading of a list, each argument an item of it."""
    lines: list[str] = []
    in_list = False
    for line in doc.splitlines():
        if line in ("Args:", "Returns:", "Raises:", "Attributes:"):
            in_list = True
            lines += [f"**{line[:-1]}**", ""]
        elif not line.startswith(" "):
            in_list = in_list and not line
            lines.append(line)
        elif in_list and not line.startswith("   "):
            name, colon, text = line.strip().partition(": ")
            lines.append(f"- `{name}`: {text}" if colon and len(name) < 50 else f"- {line.strip()}")
        else:
            lines.append(line if not in_list else f"  {line.strip()}")
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
