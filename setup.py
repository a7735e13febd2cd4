"""Which packages a wheel holds; all else is in pyproject.toml.

The recipes lie in `datasets/`, where users copy and change them. In a wheel they are the folder `ocrlib/recipes`.
"""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["ocrlib", "ocrlib.*"]), "ocrlib.recipes"],
    package_dir={"ocrlib.recipes": "datasets"},
)
