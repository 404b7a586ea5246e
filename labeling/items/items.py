"""Items: what is known of each image. The only code that writes it is in this folder.

An item is one truth row whose key never moves. All other rows of it (queue, listing, flag) and its share of
the counters are *derived*: every change is `old -> new`, and `operations_for` gives the difference in rows,
for one transaction. So an item is in a queue exactly while it is available, and counters equal a recount, by
construction (ADR-0002 has the rules; `tests/model/test_model.py` tries to break them).

Who may write a truth row: whoever holds its ETag; or, where the project has no overlap, whoever deletes or
changes in the same transaction the queue row or the task row that stands for the right to change it.
"""

from __future__ import annotations

from labeling.items.counters import Counters
from labeling.items.images import Images
from labeling.items.reviews import Reviews


class Items(Images, Reviews, Counters):
    """Every change of a project's items. One instance a project; holds nothing but its facts.

    What an item may become is in `rules.py`, how that is kept in `change.py` and `rows.py`. Each base is
    a reason to change items: what happens to their images, what people say about them (`Reviews`, over
    `Labels`, over what they have in their hands, `Leases`, and what runs suggest, `Suggestions`), and the
    counters that follow.
    """
