"""What runs measure is told to people in words, not by the name it is kept under."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest

from labeling.assist.runs import MetricName

TEXTS = Path(__file__).parents[3] / "static_web/src/i18n/admin"


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_pages_have_words_for_all_that_runs_measure(language: str) -> None:
    words = json.loads((TEXTS / f"{language}.json").read_text("utf-8"))["metrics"]
    assert sorted(words) == sorted(get_args(MetricName))
