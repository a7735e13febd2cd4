"""ocrlib: an offline dataset factory and trainer for reading lines of text."""

__version__ = "0.1.0"
