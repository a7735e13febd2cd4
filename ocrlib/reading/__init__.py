"""Pictures in, text and confidence out.

recognizer   images to text with a network
decoding     from probabilities to text: the two rules of CTC, the best path, a text's probability
prediction   many pictures, a row each
"""
