"""Recipe in, dataset folder out: draws lines and writes shards. Never imports TensorFlow.

recipe       what a dataset is made of, read from TOML, with its fingerprint
recipes      the recipes that come along, by name
settings/    the tables of a recipe: their keys, defaults and checks
make         the way through: plan the shards, hand them to workers, write the manifest
ingredients  what a recipe names, opened and hashed: texts, fonts, pictures of paper, versions
drawing      one shard in a worker: drawn, encoded, written
sizes        a dataset that is there grows only if somebody says so
material     broken fonts and pictures of paper are named before anything is drawn
work_folder  what an unfinished dataset keeps on disk, to go on from
work_store   the same in an object store
in_store     the way through make and parts for a dataset in an object store
parts        the same dataset made in parts that know nothing of each other
workers      processes of this machine that survive each other's death
cluster      the same on other machines, by dask.distributed
cluster_worker  what runs there
lock         one process at a time makes a dataset, or a part of it
trust        may the recipe of a dataset that came from elsewhere open what it names?
repair       draws shards again, to prove a dataset or to mend it
text/        what is written in the lines
render/      how the lines look
"""
