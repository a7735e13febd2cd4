"""Text, font and chance in, the pixels of a line out.

renderer     draws a sample: text, face and options by chance, again if a draw is rejected
line         the pixels of one line, as stock trdg draws them
options      the numbers that describe one line
fonts, font_sets, glyphs     which faces there are, what they can draw, each glyph drawn once
ink, backgrounds, distortions     the parts of a line
degrade      what happens to a line after it is drawn, chosen by chance
press, scissors, camera     the degradations: printing, cutting, photographing
marks, pixels     what they share: where ink is, noise, rounding
render_error     why a line cannot be drawn
"""
