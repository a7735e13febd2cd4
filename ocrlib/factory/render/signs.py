"""Signs of a line drawn otherwise than the face draws them: points, zeros, old-style figures.

Each function changes a `Row`, at a strength in [0, 1], by a source of chance. Shapes are drawn four times as large and
scaled down, so that their edges are smooth.
"""

import cv2
import numpy as np

from ocrlib.factory.render.cells import Cell, Row, digit_box
from ocrlib.factory.render.pixels import Array, Random

_FINER = 4  # times as large as the line, where shapes are drawn


def figures(row: Row, strength: float, random: Random) -> None:
    """Old-style figures: 0, 1 and 2 shrink to 70% of their height, 3, 4, 5, 7 and 9 sink by as much below the line."""
    span = digit_box(row.cells)
    if span is None:
        return
    height = span[1] - span[0]
    change = 0.15 + 0.15 * strength
    for cell in row.cells:
        box = cell.box()
        if box is None or cell.sign not in "01234579":
            continue
        top, bottom, _, _ = box
        ink = np.zeros_like(cell.ink)
        if cell.sign in "012":
            low = max(2, round((bottom - top) * (1.0 - change)))
            ink[bottom - low : bottom] = cv2.resize(
                cell.ink[top:bottom], (cell.ink.shape[1], low), interpolation=cv2.INTER_AREA
            )
        else:
            sunk = min(round(change * height), cell.ink.shape[0] - bottom)
            ink[top + sunk : bottom + sunk] = cell.ink[top:bottom]
        cell.replace_ink(ink)


def zeros(row: Row, strength: float, random: Random) -> None:
    """Each zero gets the same dot, slash or upright bar; thick at strength 1."""
    kind = ("dot", "slash", "bar")[random.randint(3)]
    for cell in row.cells:
        box = cell.box()
        if cell.sign != "0" or box is None:
            continue
        top, bottom, left, right = box
        height, width = bottom - top, right - left
        canvas = np.zeros((cell.ink.shape[0] * _FINER, cell.ink.shape[1] * _FINER), np.uint8)
        middle = (round((left + right) / 2 * _FINER), round((top + bottom) / 2 * _FINER))
        thick = max(_FINER, round((0.05 + 0.06 * strength) * height * _FINER))
        if kind == "dot":
            axes = (max(2, round(0.11 * width * (1 + strength) * _FINER)), max(2, round(0.09 * height * _FINER)))
            cv2.ellipse(canvas, middle, axes, 0, 0, 360, 255, -1)
        elif kind == "slash":
            reach_x, reach_y = round(0.3 * width * _FINER), round(0.3 * height * _FINER)
            start, end = (middle[0] - reach_x, middle[1] + reach_y), (middle[0] + reach_x, middle[1] - reach_y)
            cv2.line(canvas, start, end, 255, thick)
        else:
            reach_y = round(0.2 * height * _FINER)
            cv2.line(canvas, (middle[0], middle[1] - reach_y), (middle[0], middle[1] + reach_y), 255, thick)
        cell.replace_ink(np.maximum(cell.ink, _smaller(canvas)))


def points(row: Row, strength: float, random: Random) -> None:
    """All points, and all commas, of a line in one shape: a disc, a square or a rhomb, fine or thick; a point may have
    a short tail, a comma has a long one.
    """
    span = digit_box(row.cells)
    if span is None:
        return
    height = span[1] - span[0]
    shape = ("disc", "square", "rhomb")[random.randint(3)]
    # Of the digits' height: a point of Times is 11% of it, of a till's heavy print 20%.
    size = height * (0.15 + strength * random.uniform(-0.05, 0.09))
    wide = random.uniform(0.8, 1.3)
    point_tail = size * random.uniform(0.15, 0.4) if random.uniform() < 0.4 else 0.0
    comma_tail = size * random.uniform(0.9, 1.6)
    for place, cell in enumerate(row.cells):
        if cell.sign in ".,":
            tail = point_tail if cell.sign == "." else comma_tail
            row.cells[place] = _drawn_point(cell, span[1], size, wide, shape, tail, random)


def raised_points(row: Row, strength: float, random: Random) -> None:
    """Each point moves up: at strength 1 its middle is at the middle of the digits, at 0 a quarter of them up."""
    span = digit_box(row.cells)
    if span is None:
        return
    height = span[1] - span[0]
    goal = span[1] - height * (0.25 + 0.25 * strength + random.uniform(-0.03, 0.06))
    for cell in row.cells:
        box = cell.box()
        if cell.sign != "." or box is None:
            continue
        up = round((box[0] + box[1]) / 2 - goal)
        ink = np.zeros_like(cell.ink)
        ink[box[0] - up : box[1] - up] = cell.ink[box[0] : box[1]]
        cell.replace_ink(ink)


def _drawn_point(cell: Cell, baseline: int, size: float, wide: float, shape: str, tail: float, random: Random) -> Cell:
    """A point that stands on the baseline, with its tail below; the cell is as wide as before, or as the point."""
    width = max(2, round(size * wide))
    room = 2 + max(1, round(tail))  # pixels left and right of it, for the tail too
    canvas = np.zeros((cell.ink.shape[0] * _FINER, (width + 2 * room) * _FINER), np.uint8)
    left, right = room * _FINER, round((room + size * wide) * _FINER)
    top, bottom = round((baseline - size) * _FINER), baseline * _FINER
    middle = ((left + right) // 2, (top + bottom) // 2)
    if shape == "disc":
        cv2.ellipse(canvas, middle, ((right - left) // 2, (bottom - top) // 2), 0, 0, 360, 255, -1)
    elif shape == "square":
        cv2.rectangle(canvas, (left, top), (right - 1, bottom - 1), 255, -1)
    else:
        corners = [(middle[0], top), (right, middle[1]), (middle[0], bottom), (left, middle[1])]
        cv2.fillPoly(canvas, [np.array(corners, np.int32)], 255)
    if tail:
        tip = (middle[0] - round(0.5 * tail * _FINER), bottom + round(tail * _FINER))
        triangle = [(left + (right - left) // 4, middle[1]), (right, middle[1]), tip]
        cv2.fillPoly(canvas, [np.array(triangle, np.int32)], 255)
    free = max(1, round(size * random.uniform(0.3, 1.2)))  # at least a pixel to the digits, or it would be part of one
    advance = max(cell.advance, width + 2 * free) if random.uniform() < 0.7 else width + 2 * free
    return Cell(cell.sign, _smaller(canvas), (advance - width) // 2 - room, advance)


def _smaller(canvas: Array) -> Array:
    size = (canvas.shape[1] // _FINER, canvas.shape[0] // _FINER)
    return cv2.resize(canvas, size, interpolation=cv2.INTER_AREA)
