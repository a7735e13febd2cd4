"""From a text, a font and a seed to the pixels of a line.

renderer     one sample: draws text, font and options by chance, and draws again if the line is rejected
line         the pixels of one line, as stock trdg draws them
options      the numbers that describe one line
fonts, font_sets, glyphs     which faces there are, what they can draw, each glyph drawn once
words        where the glyphs of a word lie
ink, backgrounds, distortions     the parts of a line
typeset      a line drawn sign by sign instead of as trdg draws it, by chance
cells        its signs, before they are laid side by side
signs, segments, wheels     what changes them: points and zeros, displays, counters and forms
letters, impression     what changes words and letters: small capitals, gaps, the hits of a typewriter
degrade      applies degradations to the line, drawn by chance
press, scissors, surroundings, paper, camera     the degradations: printing, cutting out, what lies around, tone, camera
marks, pixels     what the degradations share: where ink is, noise, rounding
render_error     why a line cannot be drawn
"""
