"""The one exception that means "the user can mend this": a single line, and exit code 2."""


class UserError(ValueError):
    """Input that cannot be used. The message says what is wrong, where, and how to go on."""
