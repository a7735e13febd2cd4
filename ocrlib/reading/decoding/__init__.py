"""From probabilities to text: the one place where CTC's answers are read.

ngram        which characters follow which: a language model of running text
beam         the text that picture and language model together hold for most probable
paths        the two rules of CTC, the best path, the probability of a text
automaton    a set of texts as an automaton, and CTC's states over it
places       regular expressions -> a graph of places
patterns     regular expressions, by way of their places -> automaton
checks       check digits by name
language     all that the user knows about a line, as one set of texts
backward     the probability of a language, all of it, and bounds on its best text
search       the most probable texts, best first
active       the part of an automaton that a line can be in, and the probability of its texts
decoder      all of it behind one interface
"""
