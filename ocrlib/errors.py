"""The exceptions that a command answers with their message alone: exit code 2 for the user's, 1 for ours."""


class UserError(ValueError):
    """Input that cannot be used. The message says what is wrong, where, and how to go on, in one line."""


class WorkerError(RuntimeError):
    """A worker raised, or a task killed its workers; the message has the task and the trace."""
