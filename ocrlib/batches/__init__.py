"""Shards in, padded batches out.

split        opens a split: the lines of it that take part in a run
selection    which lines the user wants
labels       texts to classes, with a check that CTC can write them
buckets      which lines share a batch: those of similar width
padding      what lies to the right of a line in a batch
loader       the batches of one dataset
mixture      the batches of several datasets in one run
tf_data      batches as a `tf.data.Dataset`, and `ocrlib.load`
"""
