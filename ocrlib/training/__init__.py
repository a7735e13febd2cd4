"""Datasets in, a run folder out.

settings     what a user can set, checked before TensorFlow starts
start        which model a training starts from
plan         how many steps it takes, and what the settings leave open
lines        the lines of a run: the user's own, and those that the start model learned from
trainer      a run from its datasets to its metrics
prepare      the first half of it: all is opened, built and written down, nothing is learned yet
record       what config.json tells of a run
hold_back    what was learned is taken back in part, where it cost too much of what was known
ngram        the language model of the start, taken over where it helps
run_folder   the files of a run, and whether a run in a folder may go on
ctc_model    the training step with its CTC loss, and the figures of a validation
precision    float32, or bfloat16 where the processor is faster with it
optimizer    the optimizer and its learning rate
machines     which machines train together
devices      the loop for several devices, each of which learns from its part of every batch
augment      small changes to the images of a batch
averages     the average of the weights over the last steps, in place of those of one step
callbacks    after each step: the bar, and the place to resume from if it is time
checkpoint   how far a run has come, and how it is kept on disk
history      after each epoch: a line, a row, a picture of what is read
curve        a run's history as a picture
"""
