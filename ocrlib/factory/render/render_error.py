"""The error of a line that cannot be drawn: raised in all of `render`, caught and counted by `renderer.py`."""


class RenderError(ValueError):
    """No line can be made of this text, font and options; draw again with others.

    Attributes:
      reason: a short fixed word, by which rejected draws are counted: "empty-text", "newline", "nothing-drawn",
        "zero-width", "zero-height", "color", "font", "layout", "background".
      detail: one sentence for a person: what was expected, what was given.
    """

    def __init__(self, reason: str, detail: str):
        super().__init__(reason, detail)  # both in args, so that it can be pickled
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"
