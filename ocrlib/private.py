"""Nothing leaves this machine, and the home folder stays as it was: other libraries' habits, switched off in one place.

`ocrlib/__init__.py` imports this before anything else, so it holds for the commands, for the Reader and for programs
that use ocrlib as a library.
"""

import importlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

# ONNX Runtime looks up a host of its maker, and writes an identifier of the machine under the home folder, as soon as
# it is imported. It reads this name once, at that moment; `disable_telemetry_events()` comes too late.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"


def import_keras() -> None:
    """Imports keras, on TensorFlow and with its own defaults, before anything imports it by name.

    Keras would write `.keras/keras.json` under the home folder, or read it: a float type or an axis order in it would
    change our networks. So would KERAS_BACKEND. A program that imports keras before ocrlib keeps what it has.
    """
    if "keras" in sys.modules:
        return
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ["KERAS_HOME"] = os.path.join(os.devnull, "keras")  # can be neither read nor made
    importlib.import_module("keras")


def import_matplotlib() -> None:
    """Imports matplotlib, before anything imports a part of it by name.

    matplotlib keeps a list of the system's fonts under the home folder. Ours goes to a folder that is deleted at once.
    Tables of PostScript fonts are left out of it: nothing here draws with them, and to parse a hundred of them took
    nine tenths of the time. MPLCONFIGDIR, where it is set, is a place that the user chose for the list.
    """
    if "matplotlib" in sys.modules or os.environ.get("MPLCONFIGDIR"):
        return
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it warns where its list of fonts cannot be written
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MPLCONFIGDIR"] = folder
        try:
            with _without_postscript("matplotlib._afm"):
                importlib.import_module("matplotlib.font_manager")  # makes the list
        finally:
            del os.environ["MPLCONFIGDIR"]


@contextmanager
def _without_postscript(name: str) -> Iterator[None]:
    """Lets matplotlib's parser of .afm files refuse each file; what cannot be read is not in the list.

    Args:
      name: of the parser's module. It is matplotlib's own: a version that has none makes its list as it does.
    """
    module: Any = importlib.import_module(name) if find_spec(name) else None
    if not hasattr(module, "AFM"):
        yield
        return

    def refuse(file: Any) -> None:
        raise OSError(f"{file.name}: is left out of the list of fonts")

    parser, module.AFM = module.AFM, refuse
    try:
        yield
    finally:
        module.AFM = parser


def matplotlib_fonts() -> Path:
    """Returns the folder of the fonts that come with matplotlib, which need not be imported for them."""
    found = find_spec("matplotlib")
    assert found is not None and found.origin is not None, "matplotlib is a dependency of ocrlib's"
    return Path(found.origin).parent / "mpl-data" / "fonts" / "ttf"
