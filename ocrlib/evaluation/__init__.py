"""How often a model is wrong, on which lines, and what to draw more of.

evaluate     reads a split, or pictures with their texts beside them
metrics      CER, WER, exact match, confusions
calibration  how far confidence can be trusted
coverage     how many lines can be answered at which error
groups, breakdown     error rates by font, degradation, length and kind of text
advice       what to change in the recipe
new_recipe   the recipe with these changes
report, report_text   all of it together, as figures and as text
misses, strip         misread lines as pictures
compare               two readers on the same lines: is the difference chance?
contestants, compare_text     the readers that are compared, and what is said of them
"""
