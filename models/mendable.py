"""What whoever starts a process can mend: the command line says it in one line, and no traceback."""


class Mendable(Exception):
    """Something that was set, or is missing, beside the code; the message is one line, and says what to do."""
