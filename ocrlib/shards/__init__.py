"""The files of a dataset: what is in them, how they are named, written, read, listed and checked."""
