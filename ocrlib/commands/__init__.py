"""What the commands of `python -m ocrlib` do with their arguments; each imports what it needs when it is called.

data         `data` and `recipes`: datasets from recipes
train        `train`: a reader from a dataset
imports      `import` and `unpack`: labelled pictures in and out
reading      what `predict` and `evaluate` are told about a field, and the reader that they ask for
page         `predict --page`: whole pages
web          `compare`, `report`, `browse`, `review`, `advise`: what is looked at
"""
