"""What answers do in the evaluation of them: false alarms quieten a store, and true ones keep it heard."""

import numpy as np

from tests.evaluation.drop_detectors import Odds
from tests.evaluation.feedback import lived


def test_only_the_store_of_false_alarms_falls_silent_and_only_when_answered() -> None:
    """Two stores that look equally odd every day, one of which has really lost sales; two others never look odd."""
    probability = np.full((4, 20, 24), 0.5)
    probability[:2, :, 18] = 0.001
    seen = Odds(probability, np.ones(probability.shape, np.bool_), np.ones(probability.shape, np.bool_))
    dropped = np.zeros((4, 20), np.bool_)
    dropped[1] = True

    assert lived(seen, dropped, are_answered=False).sum(axis=1).tolist() == [20, 20, 0, 0]
    told = lived(seen, dropped, are_answered=True)  # each answer leaves the odds less weight: from ten times 0.001 on it is above 0.01
    assert told.sum(axis=1).tolist() == [10, 20, 0, 0]
    assert told[0, :10].all()
