"""The tour of the README that is run is the one that is shown."""

from tests.docs.documented import tour


def test_the_tour_is_found() -> None:
    """The tour that is run is the one that is shown."""
    texts = tour()

    assert any(text.startswith("tillstream simulate") for text in texts)
    assert any("/v1/kpis/" in text for text in texts)
    assert "tillstream reconcile" in texts
