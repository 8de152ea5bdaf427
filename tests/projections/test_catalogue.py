"""How long a read model waits for more after a small batch."""

from projections.catalogue import PROJECTIONS


def test_a_read_model_waits_as_long_as_its_batch_took_but_for_sales() -> None:
    """On a busy machine all but the figures that people watch gather more; nobody waits for longer than a second."""
    stock, sales, history = (PROJECTIONS[name] for name in ("stock_on_hand", "sales", "stock_ledger"))

    assert [stock.pause_after(seconds) for seconds in (0.01, 0.2, 0.7, 30.0)] == [0.2, 0.2, 0.7, 1.0]
    assert {sales.pause_after(seconds) for seconds in (0.01, 0.7, 30.0)} == {0.05}
    assert {history.pause_after(seconds) for seconds in (0.01, 30.0)} == {2.0}
