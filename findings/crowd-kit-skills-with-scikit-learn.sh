#!/usr/bin/env bash
# crowd-kit 1.4.2 with scikit-learn 1.9.1: three of its ways to weigh labelers learn and then cannot answer.
#
# crowd-kit asks for any scikit-learn, so an installer gives it the newest. Wawa, ZeroBasedSkill and GoldMajorityVote
# check that they are fitted by scikit-learn's check_is_fitted, which asks the object for __sklearn_tags__;
# crowd-kit's classes do not inherit from BaseEstimator and have none. fit() works, predict() raises AttributeError.
# MajorityVote and DawidSkene on the same table are fine, so an import or a smoke test of one of those shows nothing.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet crowd-kit==1.4.2 scikit-learn==1.9.1 pandas==3.1.1
"$work/venv/bin/python" - <<'PY'
from importlib.metadata import version

import pandas
from crowdkit.aggregation import DawidSkene, GoldMajorityVote, MajorityVote, Wawa, ZeroBasedSkill

votes = pandas.DataFrame(
    [(f"image {n}", who, "dog" if n % k == 0 else "cat") for n in range(1, 13) for k, who in enumerate("abc", 2)],
    columns=["task", "worker", "label"],
)
known = pandas.Series({"image 1": "cat", "image 6": "dog"})
print("crowd-kit", version("crowd-kit"), "| scikit-learn", version("scikit-learn"))
for method in (MajorityVote, DawidSkene):
    print(method.__name__, "answers for", len(method().fit_predict(votes)), "images")
for method, learned in ((Wawa, (votes,)), (ZeroBasedSkill, (votes,)), (GoldMajorityVote, (votes, known))):
    fitted = method().fit(*learned)
    try:
        fitted.predict(votes)
    except AttributeError as refused:
        assert "__sklearn_tags__" in str(refused), "it fails for another reason now"
        print(method.__name__, "is fitted, and then: AttributeError, no __sklearn_tags__")
    else:
        raise SystemExit(f"{method.__name__} answers now")
print("as described: fit() is no proof that predict() can be called")
PY
