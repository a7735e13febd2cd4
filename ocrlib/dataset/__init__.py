"""The files of a dataset: what making it writes and what using it reads. Both halves import this room.

manifest     manifest.json: the list of all that a dataset holds, written last
recipe_shape the keys of its recipe that reading looks at
drawn        its texts and its looks, one or several of each
plan         which samples lie in which shard
sample       one line image with its text and how it was made
shards       one shard on disk: written in each format, checked, read back
checks       is what a shard holds what the manifest announces?
tfrecord, hdf5     the two formats, each with its writer and its reader
framing      the records of a TFRecord file and their checksums
examples     the features of all records of a TFRecord shard at once
arrays       a whole split as numpy arrays, for training without TensorFlow
verify       is a dataset still what its manifest says?
split_keys   which split a sentence belongs to; the sentence alone decides
store        a dataset in an object store: the only module that knows fsspec
mirror       a stored dataset on this machine, in the cache
card/        what a dataset holds, in text and pictures
"""
