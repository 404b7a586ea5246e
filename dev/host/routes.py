"""ASP.NET route templates, as far as Azure Functions apps use them.

Sources: docs ASP.NET Core "Routing", route constraint reference; azure-functions-host
WebScriptHostHttpRoutesManager. Defaults (`{x=1}`) are left out.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from dev.host.settings import HostError

Constraint = Callable[[str], bool]

_PARAMETER = re.compile(
    r"\{(?P<star>\*{0,2})(?P<name>\w+)"
    r"(?P<constraints>(?::\w+(?:\((?:[^{}]|\{\{|\}\})*?\))?)*)(?P<optional>\?)?\}"
)
_CONSTRAINT = re.compile(r":(\w+)(?:\((.*?)\))?(?=:|$)")


@dataclass(frozen=True)
class Route:
    """One template. `shape` is equal for templates that match the same paths."""

    template: str
    shape: str
    expression: re.Pattern[str]
    constraints: tuple[tuple[str, Constraint], ...]

    def match(self, path: str) -> dict[str, str] | None:
        """The parameters of a path without slashes at its ends; None when it does not match.

        Optional parameters that the path leaves out are not among them.
        """
        match = self.expression.fullmatch(path)
        if match is None:
            return None
        values = {name: value for name, value in match.groupdict().items() if value}
        if all(holds(values[name]) for name, holds in self.constraints if name in values):
            return values
        return None


def parse_route(template: str) -> Route:
    """Read a template such as `tasks/{id:guid}/{part?}` or `files/{*rest}`; ignores case.

    Raises:
        HostError: the template or a constraint is not one this host knows.
    """
    expression = shape = ""
    constraints: list[tuple[str, Constraint]] = []
    position = 0
    for parameter in _PARAMETER.finditer(template := template.strip("/")):
        literal = _literal(template, position, parameter.start())
        position = parameter.end()
        name = parameter["name"]
        value = f"(?P<{name}>.*)" if parameter["star"] else f"(?P<{name}>[^/]+)"
        if parameter["optional"] or parameter["star"]:
            # The slash before it may be missing together with the value.
            slash = "/" if literal.endswith("/") else ""
            value = f"(?:{slash}{value})?"
            literal = literal.removesuffix("/")
        expression += re.escape(literal) + value
        shape += literal.lower() + "{" + parameter["star"] + parameter["constraints"] + "}"
        for kind, argument in _CONSTRAINT.findall(parameter["constraints"]):
            constraints.append((name, _constraint(kind, argument)))
    literal = _literal(template, position, len(template))
    compiled = re.compile(expression + re.escape(literal), re.IGNORECASE)
    return Route(template, shape + literal.lower(), compiled, tuple(constraints))


def _literal(template: str, start: int, end: int) -> str:
    text = template[start:end].replace("{{", "\0").replace("}}", "\1")
    if "{" in text or "}" in text:
        raise HostError(f"the route {template!r} cannot be read near {text!r}")
    return text.replace("\0", "{").replace("\1", "}")


def _constraint(kind: str, argument: str) -> Constraint:
    numbers = [int(part) for part in re.findall("-?[0-9]+", argument)]
    match kind.lower(), numbers:
        case "int", _:
            return lambda value: _is_integer(value, bits=32)
        case "long", _:
            return lambda value: _is_integer(value, bits=64)
        case "guid", _:
            return _is_guid
        case "bool", _:
            return lambda value: value.lower() in ("true", "false")
        case "alpha", _:
            return lambda value: value.isascii() and value.isalpha()
        case "length", [exact]:
            return lambda value: len(value) == exact
        case "length", [least, most]:
            return lambda value: least <= len(value) <= most
        case "minlength", [least]:
            return lambda value: len(value) >= least
        case "maxlength", [most]:
            return lambda value: len(value) <= most
        case "min", [least]:
            return lambda value: _is_integer(value, bits=64) and int(value) >= least
        case "max", [most]:
            return lambda value: _is_integer(value, bits=64) and int(value) <= most
        case "range", [least, most]:
            return lambda value: _is_integer(value, bits=64) and least <= int(value) <= most
        case "regex", _:
            expression = re.compile(argument.replace("{{", "{").replace("}}", "}"), re.IGNORECASE)
            return lambda value: expression.search(value) is not None
        case _:
            raise HostError(f"the route constraint {kind}({argument}) is not supported here")


def _is_integer(value: str, *, bits: int) -> bool:
    is_number = re.fullmatch("[+-]?[0-9]+", value) is not None
    return is_number and -(2 ** (bits - 1)) <= int(value) < 2 ** (bits - 1)


def _is_guid(value: str) -> bool:
    try:
        UUID(value)
    except ValueError:
        return False
    return True
