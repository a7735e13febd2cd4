"""Recipe in, dataset folder out: draws lines and writes shards. Never imports TensorFlow.

recipe       what a dataset is made of, read from TOML, with its fingerprint
settings/    the tables of a recipe: their keys, defaults and checks
make         the way through: open texts and fonts, share out the shards, commit
workers      processes that outlive the death of one of them
lock         one process at a time makes a dataset
repair       draws shards again, to prove a dataset or to mend it
text/        what is written in the lines
render/      how the lines look
"""
