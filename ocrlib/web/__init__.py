"""Seen in a browser: reports, datasets, and the labelling desk. All stays on this machine, and nobody else gets in.

figures      a reader measured on data: what pages show of it
report       report.html of a run
comparison   readers on the same lines

gate         who may come in: the token in the address, the Host, the Origin; what the answers forbid
serve        an app on 127.0.0.1, until Ctrl-C
folder       the lines of a folder of pictures
guesses      what the model reads in the pictures of a folder, in the background
answers      what a person says they say: NAME.gt.txt, and review.jsonl
desk         which line comes next, and what becomes of an answer
review       the desk as pages and requests
catalogue    the lines of a dataset, found shard by shard
browse       the catalogue as pages
assets       our own style and scripts; pictures for a browser
"""
