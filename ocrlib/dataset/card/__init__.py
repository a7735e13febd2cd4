"""What a finished dataset holds: card.txt, card.html, README.md and preview.png.

card         the text, and the command behind it
page         the page and the README.md
stored       the card of a dataset in an object store
counts       the numbers in it
preview      the picture of some lines
"""
