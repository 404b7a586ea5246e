"""The Functions app: registers the blueprints, nothing else."""

import azure.functions as func

from functions import (
    assist,
    datasets,
    exports,
    imports,
    ingest,
    items,
    members,
    prelabels,
    projects,
    system,
    tasks,
    webhooks,
)

app = func.FunctionApp()
app.register_functions(assist.bp)
app.register_functions(datasets.bp)
app.register_functions(exports.bp)
app.register_functions(imports.bp)
app.register_functions(ingest.bp)
app.register_functions(items.bp)
app.register_functions(members.bp)
app.register_functions(prelabels.bp)
app.register_functions(projects.bp)
app.register_functions(system.bp)
app.register_functions(tasks.bp)
app.register_functions(webhooks.bp)
