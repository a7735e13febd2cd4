"""Shards in, padded batches out.

split        the lines of a split that take part in a run
selection    which lines a user wants
columns      a shard's columns as numpy arrays, by the fastest way to read them
labels       texts to classes, with a check that CTC can write them
buckets      which lines share a batch, by width
loader       the batches of one dataset, and `ocrlib.load`
mixture      several datasets in one run
"""
