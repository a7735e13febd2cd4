"""The table of hostile cases, a module for each kind of file."""

from tests.hostile.case import Case
from tests.hostile.cases import browser, commands, datasets, lines, models, pictures, recipes, runs

TABLE: list[Case] = [
    *datasets.CASES,
    *models.CASES,
    *recipes.CASES,
    *runs.CASES,
    *lines.CASES,
    *pictures.CASES,
    *commands.CASES,
    *browser.CASES,
]
