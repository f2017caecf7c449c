"""The one exception that users are meant to read."""


class InputError(ValueError):
    """Something the user gave cannot be used.

    The message is one sentence that names the file or setting and the remedy. The scripts print
    it without a traceback and exit with code 2; every other exception is a bug of ours.
    """
