"""Pictures in, text and confidence out.

recognizer   images to text with a network
decoding/    from probabilities to text: the best path, or the most probable of the texts that a line can be
prediction   many pictures, a row each
pages        whole pages: their lines, found by RapidOCR's detector, in reading order
page_formats the lines of pages as TSV, JSON, hOCR or ALTO
reader       `ocrlib.Reader`: the same for programs
"""
