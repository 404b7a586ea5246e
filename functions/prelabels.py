"""Prelabels: suggestions sent by a model, a script, or an older system."""

from __future__ import annotations

import azure.functions as func

from functions.web import Call, endpoint
from labeling.assist.prelabels import PrelabelAnswer, PrelabelBatch, PrelabelEnvelope

bp = func.Blueprint()


@endpoint(
    bp,
    "POST",
    "projects/{project_id}/prelabels",
    role="admin",
    token_role="reviewer",
    doing="suggesting labels",
    documented=PrelabelBatch,
)
def put_prelabels(call: Call[PrelabelEnvelope]) -> PrelabelAnswer:
    """Suggest labels for images; safe to send again as it is.

    What is suggested sways everybody who labels, so of people only admins may; a token was made by one.
    """
    return call.services.prelabels.put(call.project, call.body, by=call.caller.user)
