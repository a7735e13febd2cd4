"""What a finished dataset holds: card.txt and preview.png.

card         the text, and the command behind it
counts       the numbers in it
preview      the picture of some lines
"""
