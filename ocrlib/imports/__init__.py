"""A user's own pictures in, a dataset out; and out of a dataset again, for other programs. Never imports TensorFlow.

settings     how a dataset was imported: the `recipe` of its manifest
line         a labelled line, and what a layout of sources offers
layouts      all of them, and which one a source has
folder, lists, lmdb_base, pages, parquet, tars     the layouts: what they list, and how their pictures are read
lmdb_file    an LMDB read with its bounds checked
ledger       the list of all lines, on disk
prepare      pictures to line images, in workers
splits       which line goes into which split
shards       prepared images to shards, in workers
before       the folder that is imported into: new, stopped, or growing
make         the way through all of these
in_store     the same for a dataset in an object store
again        lines of a dataset imported again, to compare
unpack       a dataset out again, as pictures and texts
writers      the layouts that it is written in
"""
