"""The tests, in the same rooms as ocrlib/, and the benchmarks.

conftest           fixtures for all: the tiny dataset, the trained reader, a program in this process
programs           starts programs of this repository in processes of their own
generating         the tiny recipe, `generate_data.py`, and questions about a dataset's folder
training_fixtures  drawn lines, datasets without the factory, and the training of the shared reader
stock_trdg         trdg itself, the reference for drawing
benchmarks/        measured comparisons with bars: `make bench`
"""
