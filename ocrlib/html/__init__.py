"""Pages to look at, one file each; the rooms that have something to show import this one.

page         a template and values become a page, every text escaped
charts       plots as SVG
"""
