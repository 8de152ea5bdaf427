"""Topic names on a shared cluster: a prefix keeps environments apart, the code only knows the plain names."""


def qualified(prefix: str, topic: str) -> str:
    """Return the name on the cluster."""
    return f"{prefix}{topic}"


def plain(prefix: str, name: str) -> str:
    """Return the declared name of a topic on the cluster."""
    return name.removeprefix(prefix)
