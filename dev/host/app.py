"""Load a FunctionApp and refuse, at start, what Azure would refuse or this host cannot run."""

import importlib
import inspect
import json
import os
import re
import sys
import typing
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import azure.functions as func

from dev.host.settings import HOST_STORAGE, Connections, HostError

Binding = Mapping[str, Any]  # one entry of what would be function.json

RETURN = "$return"
_TRIGGERS = {"httpTrigger", "queueTrigger", "timerTrigger", "blobTrigger"}
_OUTPUTS = {"http", "queue"}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,126}")


@dataclass(frozen=True)
class Function:
    """One function, its bindings resolved and checked.

    `outputs` is by parameter name, the returned value under `RETURN`. `id` is the name Azure
    gives it in locks, schedules and blob messages.
    """

    name: str
    code: Callable[..., Any]
    trigger: Binding
    outputs: Mapping[str, Binding]
    wants_context: bool
    directory: Path

    @property
    def id(self) -> str:
        return f"Host.Functions.{self.name}"

    @property
    def connection(self) -> str:
        """The name of the trigger's storage connection."""
        return connection_of(self.trigger)


def connection_of(binding: Binding) -> str:
    """The name of a binding's storage connection; Azure's default is the host's own."""
    return binding.get("connection") or HOST_STORAGE


def converter_of(binding: Binding) -> Any:
    """Microsoft's converter for a binding's type, the one that the worker calls."""
    return func.get_binding_registry().get(binding["type"])


def import_app(directory: Path) -> func.FunctionRegister:
    """Import `function_app.py` the way the worker does: from inside the app's directory.

    Raises:
        HostError: the module has no app, or several.

    Source: azure_functions_worker/loader.py, index_function_app.
    """
    os.chdir(directory)
    sys.path.insert(0, str(directory))
    module = importlib.import_module("function_app")
    apps = [value for value in vars(module).values() if isinstance(value, func.FunctionRegister)]
    if len(apps) != 1:
        raise HostError(
            f"function_app.py has {len(apps)} top-level function apps; the worker takes exactly one"
        )
    return apps[0]


def functions_of(
    app: func.FunctionRegister, settings: Mapping[str, str], directory: Path
) -> list[Function]:
    """The functions of an app in Azure's order, by name; disabled ones are left out.

    `%NAME%` in bindings is replaced from the settings.

    Raises:
        HostError: a name is used twice, a binding is of a type this host does not run, a setting
            is missing, or bindings and parameters disagree.
    """
    connections = Connections(settings)
    try:
        declared = app.get_functions()
    except ValueError as error:  # a name used twice, in the same letters
        raise HostError(str(error)) from None
    functions = [_checked(f, settings, connections, directory) for f in declared]
    names = Counter(function.name.lower() for function in functions)
    for name, count in names.items():
        if count > 1:
            raise HostError(f"{count} functions are called {name}; names ignore case")
    enabled = [f for f in functions if not _is_disabled(f.name, settings)]
    return sorted(enabled, key=lambda function: function.name.lower())


def _is_disabled(name: str, settings: Mapping[str, str]) -> bool:
    return settings.get(f"AzureWebJobs.{name}.Disabled", "").lower() in ("true", "1")


def _checked(
    function: Any, settings: Mapping[str, str], connections: Connections, directory: Path
) -> Function:
    name: str = function.get_function_name()
    try:
        if not _NAME.fullmatch(name) or name.lower() == "host":
            raise HostError("Azure refuses this name")
        bindings = [_resolved(json.loads(raw), settings) for raw in function.get_raw_bindings()]
        triggers = [b for b in bindings if b["type"].lower().endswith("trigger")]
        outputs = {b["name"]: b for b in bindings if b["direction"] == "OUT"}
        if len(triggers) != 1:
            raise HostError(f"it has {len(triggers)} triggers and needs exactly one")
        if len({b["name"] for b in bindings}) != len(bindings):
            raise HostError("two bindings have the same name")
        for binding in bindings:
            _require_supported(binding, connections)
        if function.get_settings_dict("retry_policy"):
            raise HostError("retry policies are not supported here; queues have their own")
        code = function.get_user_function()
        wants_context = _require_signature(code, triggers[0], outputs)
        return Function(name, code, triggers[0], outputs, wants_context, directory)
    except HostError as error:
        raise HostError(f"function {name}: {error}") from None


def _resolved(binding: Any, settings: Mapping[str, str]) -> Any:
    """The binding with each `%NAME%` of its texts replaced by the setting of that name."""

    def setting(match: re.Match[str]) -> str:
        if match[1] not in settings:
            raise HostError(f"the binding names %{match[1]}%, but there is no such setting")
        return settings[match[1]]

    return {
        key: re.sub("%([^%]+)%", setting, value) if isinstance(value, str) else value
        for key, value in binding.items()
    }


def _require_supported(binding: Binding, connections: Connections) -> None:
    kind = binding["type"]
    known = _OUTPUTS if binding["direction"] == "OUT" else _TRIGGERS
    if kind not in known:
        raise HostError(
            f"the {binding['direction'].lower()} binding type {kind} is not supported here; "
            "call the service's SDK in the function instead"
        )
    if kind == "blobTrigger":
        if binding.get("source") != "EventGrid":
            raise HostError(
                "a blob trigger without source=func.BlobSource.EVENT_GRID scans the container, "
                "which Flex Consumption cannot do and this host leaves out"
            )
        connections.blobs(connection_of(binding))
    if kind in ("queue", "queueTrigger", "blobTrigger"):
        connections.queues(connection_of(binding))
    if kind in ("blobTrigger", "timerTrigger"):
        connections.blobs(HOST_STORAGE)
        connections.queues(HOST_STORAGE)


def _require_signature(
    code: Callable[..., Any], trigger: Binding, outputs: Mapping[str, Binding]
) -> bool:
    """Check parameters against bindings as the worker does; whether the context is wanted."""
    hints = typing.get_type_hints(code)
    bound = {trigger["name"], *outputs} - {RETURN}
    declared = set(inspect.signature(code).parameters)
    wants_context = "context" in declared - bound
    if missing := bound - declared:
        raise HostError(f"bound but not a parameter: {', '.join(sorted(missing))}")
    if extra := declared - bound - {"context"}:
        raise HostError(f"a parameter but not bound: {', '.join(sorted(extra))}")

    hint = hints.get(trigger["name"])
    if _is_out(hint):
        raise HostError(f"{trigger['name']} is the trigger, but is annotated as an Out")
    reads = converter_of(trigger).check_input_type_annotation
    if isinstance(hint, type) and not reads(hint):
        raise HostError(f"{trigger['name']} cannot be a {hint.__name__}")
    for parameter, binding in outputs.items():
        hint = hints.get("return" if parameter == RETURN else parameter)
        if parameter != RETURN and hint is not None:
            if not _is_out(hint):
                raise HostError(f"{parameter} is an output and must be annotated func.Out[...]")
            hint = next(iter(typing.get_args(hint)), None)
        writes = converter_of(binding).check_output_type_annotation
        if isinstance(hint, type) and hint is not type(None) and not writes(hint):
            raise HostError(f"{parameter} cannot be a {hint.__name__}")
    return wants_context


def _is_out(hint: Any) -> bool:
    return (typing.get_origin(hint) or hint) is func.Out
