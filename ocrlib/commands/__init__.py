"""The commands of `python -m ocrlib`: their options, and what they do; each imports what it needs when it is called.

data         `data` and `recipes`: datasets from recipes
train        `train`: a reader from a dataset
imports      `import` and `unpack`: labelled pictures in and out
dataset      `verify` and `card`: is a dataset what its manifest says, and what does it hold?
predict      `predict`: pictures in, text and confidence out
page         `predict --page`: whole pages
evaluate     `evaluate`: how often a model is wrong, and where
reading      what the last three can be told about a field, and the reader that they ask
language_model  `language-model`: which characters follow which in running text
export       `export`: a model for other programs
web          `compare`, `report`, `browse`, `review`, `advise`: what is looked at
"""
