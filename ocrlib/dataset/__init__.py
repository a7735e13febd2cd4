"""The files of a dataset, the seam between making it and using it; both halves enter this room.

manifest     manifest.json: the list of all that a dataset holds, written last
plan         which samples lie in which shard
sample       one line image with its text and its history
tfrecord, hdf5     the two formats, writer and reader side by side
verify       is a dataset still what its manifest says?
split_keys   which split a sentence belongs to, decided by the sentence alone
card/        what a dataset holds, in text and pictures
"""
