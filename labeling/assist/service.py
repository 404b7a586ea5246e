"""Assist: what happens when a run of a project is over."""

from __future__ import annotations

from labeling.assist.jobs import RunFinished
from labeling.assist.models import UnfitModel, load
from labeling.assist.runs import AssistState, Run, Runs
from labeling.projects.projects import Projects
from labeling.storage import Storage


class Assist:
    """Lets models suggest labels for a project."""

    def __init__(self, storage: Storage, projects: Projects, runs: Runs) -> None:
        self._storage = storage
        self._projects = projects
        self._runs = runs

    def on_run_finished(self, message: RunFinished) -> None:
        """Go on from a run that is over. Safe to repeat, and in any order."""
        if self._projects.find(message.project_id) is None:
            return
        run = self._runs.find(message.project_id, message.run_id)
        if run and run.kind == "training" and run.state == "done":
            self._use(message.project_id, run)

    def _use(self, project_id: str, run: Run) -> None:
        """Make a freshly trained model the current one, unless a newer one is."""
        try:
            manifest, _ = load(self._storage, project_id, run.run_id)
        except UnfitModel as why:
            self._runs.note(project_id, run.run_id, f"not used: {why}")
            return

        def newer(state: AssistState) -> AssistState:
            if state.model_id and state.model_id <= run.run_id:  # ids sort newest first
                return state
            return state.model_copy(update={"model_id": run.run_id, "suggests": manifest.suggests})

        self._runs.change_state(project_id, newer)
