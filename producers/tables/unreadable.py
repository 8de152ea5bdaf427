"""The one error for a file that cannot be read as a table at all, however good its mapping is."""


class FileUnreadable(ValueError):
    """The file is damaged, of another kind than its name says, or needs a part that is not installed."""
