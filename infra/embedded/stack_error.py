"""The kind of error a person can do something about: its text says what is wrong and what helps."""


class StackError(Exception):
    """The stack, or a part of it, cannot be found, set up or started."""
