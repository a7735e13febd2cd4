"""From a text, a font and a seed to the pixels of a line.

renderer     one sample: draws text, font and options by chance, and draws again if the line is rejected
line         the pixels of one line, as stock trdg draws them
options      the numbers that describe one line
fonts, font_sets, glyphs     which faces there are, what they can draw, each glyph drawn once
ink, backgrounds, distortions     the parts of a line
degrade      applies degradations to the line, drawn by chance
press, scissors, camera     the degradations: printing, cutting out, photographing
marks, pixels     what the degradations share: where ink is, noise, rounding
render_error     why a line cannot be drawn
"""
