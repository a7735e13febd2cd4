"""`python -m ocrlib`."""

from ocrlib.cli import entry

entry()
