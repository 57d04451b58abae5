"""Whether this process runs one command of ``suite`` and nothing else, so that it may be arranged for it as a whole."""

_runs_a_command = False


def runs_a_command() -> bool:
    """Return whether it does: in a notebook or a program of others, what concerns the process stays as it is."""
    return _runs_a_command


def begins_a_command() -> None:
    """Take note that it does."""
    global _runs_a_command  # a process is one or it is not
    _runs_a_command = True
