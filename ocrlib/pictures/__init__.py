"""Pictures of lines: opened, found on their paper, and put beside their texts. Both halves import this room.

opening      a file, an array or bytes becomes pixels of one line, within limits
levels       gray levels and colours of any kind as 8 bits on white paper
paper        where on a picture the line stands
raster       the few operations on pixels that finding it takes
looks        what a picture looks like when it is not one line
pairs        NAME.png with NAME.gt.txt
truths       what the text of a picture becomes, or why it cannot be a label
"""
