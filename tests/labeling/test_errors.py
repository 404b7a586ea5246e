from __future__ import annotations

import pytest
from pydantic import ValidationError

from labeling import errors
from labeling.errors import Failure, faults_of
from labeling.model import Model


def failures() -> list[type[Failure]]:
    """Those of the product: other tests may have some of their own."""
    kinds = [var for var in vars(errors).values() if isinstance(var, type)]
    return [kind for kind in kinds if issubclass(kind, Failure) and kind is not Failure]


def test_every_failure_has_a_status_and_a_type_of_its_own() -> None:
    statuses = {failure.__name__: failure.status for failure in failures()}

    assert statuses == {
        "Malformed": 400,
        "Unauthenticated": 401,
        "Forbidden": 403,
        "NotFound": 404,
        "Conflict": 409,
        "PreconditionFailed": 412,
        "TooLarge": 413,
        "UnsupportedMedia": 415,
        "Invalid": 422,
        "PreconditionRequired": 428,
        "TooManyRequests": 429,
        "Refused": 503,
        "Unavailable": 503,
    }
    assert len({failure.type for failure in failures()}) == len(statuses)


def test_only_what_may_help_is_to_be_tried_again() -> None:
    assert {
        failure.__name__: failure.retry for failure in failures() if failure.retry != "never"
    } == {
        "PreconditionFailed": "later",
        "Refused": "later",
        "TooManyRequests": "same",
        "Unavailable": "same",
    }


@pytest.mark.parametrize("kind", failures())
def test_every_failure_says_when_it_is_raised(kind: type[Failure]) -> None:
    assert (kind.__doc__ or "").rstrip().endswith(".")
    assert kind("what and how").detail == "what and how"


def test_a_pointer_escapes_what_has_a_meaning_in_it() -> None:
    class Bag(Model):
        content: dict[str, int]

    with pytest.raises(ValidationError) as refused:
        Bag.model_validate({"content": {"a/b~c": "no"}})

    fault = faults_of(refused.value, "/body")[0]
    assert (fault.pointer, fault.code) == ("/body/content/a~1b~0c", "int-parsing")
