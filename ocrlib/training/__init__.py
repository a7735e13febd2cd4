"""Datasets in, a run folder out.

settings     what a user can set, checked before TensorFlow starts
trainer      the CTC training step, and the run around it
callbacks    what happens around the steps: bar, best weights, place to resume from, pictures
augment      small changes to the images of a batch
curve        a run's history as a picture
"""
