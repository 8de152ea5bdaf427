"""How evidence writes a probability: five decimal places, and never nothing. Pure."""

_LEAST = 0.00001


def written(probability: float) -> str:
    """Write a probability; what is smaller than one in a hundred thousand is written as that."""
    return f"{min(1.0, max(_LEAST, probability)):.5f}"
