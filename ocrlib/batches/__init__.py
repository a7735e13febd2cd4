"""Shards in, padded batches out.

split        the lines of a split that take part in a run
selection    which lines a user wants
columns      a shard's columns as numpy arrays, by the fastest way to read them
labels       texts to classes, with a check that CTC can write them
buckets      which lines share a batch, by width
padding      what lies to the right of a line in a batch
loader       the batches of one dataset
mixture      the batches of several datasets in one run
tf_data      batches as a `tf.data.Dataset`, and `ocrlib.load`
"""
