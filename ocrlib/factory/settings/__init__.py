"""The tables of a recipe, as `recipe.py` puts them together; light to import.

text         `[text]`: what is written in the lines
render       `[render]`: how a text becomes a line image
degrade      `[render.degrade]`: the table of all degradations, in the order in which they are applied
typeset      `[render.typeset]`: the table of all ways to set the signs of a number
types        ranges, weighted choices and shares: the types of their keys
"""
