import numpy as np

from sightline.evaluate.classified import Classified
from sightline.evaluate.plus_four import plus_four

TRUTH = np.array([0, 0, 0, 2])
PROBABILITIES = np.array([[0.9, 0.06, 0.04], [0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.5, 0.1, 0.4]])
ANSWERS = Classified(TRUTH, PROBABILITIES)


def test_four_pictures_are_added_half_of_them_wrong() -> None:
    plan = plus_four(ANSWERS)
    (extended,) = plan.answers
    added = plan.population[4:]
    right = extended.probabilities[4:].argmax(axis=1) == extended.truth[4:]
    assert plan.sample.tolist() == [1, 1, 1, 1, 0, 0, 0, 0]
    assert added.sum() == 4
    assert added[right].sum() == 2
    assert added[extended.truth[4:] == 2].sum() == 2, "evenly over the classes that occur, however rare"


def test_added_rows_are_those_of_the_middle_confidence_with_two_scores_exchanged() -> None:
    plan = plus_four(ANSWERS)
    assert plan.answers[0].probabilities[4:].tolist() == [
        [0.7, 0.2, 0.1],
        [0.4, 0.1, 0.5],
        [0.2, 0.7, 0.1],
        [0.5, 0.1, 0.4],
    ]


def test_the_other_model_is_wrong_where_the_first_is_right() -> None:
    one, other = (
        each.probabilities.argmax(axis=1) == each.truth for each in plus_four(ANSWERS, ANSWERS).answers
    )
    assert (one[4:] != other[4:]).all()
