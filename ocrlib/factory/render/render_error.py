"""Why a line cannot be drawn; raised all over `render`, counted by the factory."""


class RenderError(ValueError):
    """This text, font and these options give no line; draw again with others.

    Attributes:
      reason: a short stable word to count by: "empty-text", "newline", "nothing-drawn", "zero-width",
        "zero-height", "color", "font", "layout", "background".
      detail: one sentence for a person: what was expected, what was given.
    """

    def __init__(self, reason: str, detail: str):
        super().__init__(reason, detail)  # both in args, so that it pickles from a worker to its parent
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"
