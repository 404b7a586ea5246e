"""Reads Bicep as the compiler would, as far as our files go, and says what they would deploy.

tree-sitter-bicep parses; this module evaluates: parameters, variables, loops, conditions, modules and
the functions in `_FUNCTIONS`. What only Azure knows (ids, endpoints) becomes a `Symbol` that is named
after where it comes from. A function that is not listed, or a name nobody declared, is a `BicepError`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol


class BicepError(Exception):
    """The file can't be read; the message says where and why."""


class Symbol(str):
    """A value that is known once it is deployed, by the name of its source."""

    def member(self, name: object) -> Symbol:
        """A property of it."""
        return Symbol(f"{self}.{name}")


@dataclass
class Resource:
    """A resource as it would be deployed."""

    file: str
    line: int
    type: str
    version: str
    existing: bool
    parent: Resource | None
    body: dict[str, Any]
    """What is written, evaluated; without `name`, `parent`, `scope` and `dependsOn`."""
    name: Any
    scope: Resource | None = None

    @property
    def path(self) -> str:
        """The name with those of its parents."""
        return f"{self.parent.path}/{self.name}" if self.parent else str(self.name)

    def member(self, name: object) -> Any:
        """What an expression sees of it."""
        if name == "name":
            return self.name
        if name == "id":
            return Symbol(f"{self.type}/{self.path}")
        return Symbol(f"{self.path}.{name}")

    def at(self, path: str, default: Any = None) -> Any:
        """The value at a dotted path of the body; `default` where there is none."""
        found: Any = self.body
        for part in path.split("."):
            if not isinstance(found, dict) or part not in found:
                return default
            found = found[part]
        return found


@dataclass
class Module:
    """A use of another file."""

    symbol: str
    file: str
    outputs: dict[str, Any]
    after: list[str]
    """Symbols named in dependsOn."""

    def member(self, name: object) -> Any:
        """What an expression sees of it."""
        if name != "outputs":
            raise BicepError(f"module {self.symbol} has no {name}")
        return self.outputs


@dataclass
class Deployment:
    """Everything one deployment would make."""

    resources: list[Resource] = field(default_factory=list[Resource])
    modules: list[Module] = field(default_factory=list[Module])
    outputs: dict[str, Any] = field(default_factory=dict[str, Any])

    def of(self, kind: str) -> list[Resource]:
        """The resources of a type that would be made."""
        return [
            resource
            for resource in self.resources
            if resource.type == kind and not resource.existing
        ]


class Node(Protocol):
    """A node of tree-sitter's, as far as it is used here."""

    type: str
    text: bytes | None
    is_named: bool
    is_missing: bool
    start_point: Any
    children: list[Node]
    named_children: list[Node]
    prev_named_sibling: Node | None


@cache
def _parser() -> Any:
    # Imported at first use: whoever only reads what is declared here needs no grammar.
    tree_sitter, grammar = import_module("tree_sitter"), import_module("tree_sitter_bicep")
    return tree_sitter.Parser(tree_sitter.Language(grammar.language()))


def parse(path: Path) -> Node:
    """The syntax tree of a file. A parameter file is read as one whose parameters are variables.

    Raises:
        BicepError: it has a syntax error; the message names the line.
    """
    text = path.read_text("utf-8")
    if path.suffix == ".bicepparam":
        text = re.sub(r"^using .*$", "", text, flags=re.MULTILINE)
        text = re.sub(r"^param ", "var ", text, flags=re.MULTILINE)
    root: Node = _parser().parse(text.encode()).root_node
    for node in descendants(root):
        if node.type == "ERROR" or node.is_missing:
            line = node.start_point.row + 1
            raise BicepError(f"{path.name}:{line}: syntax error near {text_of(node)[:40]!r}")
    return root


def descendants(node: Node) -> Generator[Node]:
    """The node and all below it."""
    yield node
    for child in node.children:
        yield from descendants(child)


def text_of(node: Node) -> str:
    """The text of a node."""
    return (node.text or b"").decode()


def parameters_of(path: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """The values in a parameter file, with these environment variables."""
    file = _File(path, {}, Deployment(), environment)
    return {name: file.value(name) for name in file.nodes}


def evaluate(path: Path, parameters: Mapping[str, Any]) -> Deployment:
    """What a file and its modules would deploy.

    Raises:
        BicepError: something in it can't be read, or a parameter is unknown or missing.
    """
    made = Deployment()
    made.outputs = _File(path, parameters, made, {}).deploy()
    return made


_NOTHING = object()


def _has_default(parameter: Node) -> bool:
    return any(child.type == "=" for child in parameter.children)


class _File:
    """One file with the values of its parameters."""

    def __init__(
        self,
        path: Path,
        parameters: Mapping[str, Any],
        made: Deployment,
        environment: Mapping[str, str],
    ) -> None:
        self.path, self.made, self.environment = path, made, environment
        self.nodes: dict[str, Node] = {}
        self.out: dict[str, Node] = {}
        for node in parse(path).named_children:
            if node.type == "output_declaration":
                self.out[text_of(node.named_children[0])] = node.named_children[-1]
            elif node.type.endswith("_declaration"):
                self.nodes[text_of(node.named_children[0])] = node
        declared = {
            name for name, node in self.nodes.items() if node.type == "parameter_declaration"
        }
        if unknown := set(parameters) - declared:
            raise BicepError(f"{path.name} has no parameter {', '.join(sorted(unknown))}")
        for name, value in parameters.items():
            self._check_given(self.nodes[name], value)
        self.known: dict[str, Any] = dict(parameters)
        for name in declared - set(parameters):
            if not _has_default(self.nodes[name]):
                raise BicepError(f"{path.name}: parameter {name} is required and was not given")

    def _check_given(self, node: Node, value: Any) -> None:
        """Refuse a value of another type than the parameter's, or one that is not allowed."""
        name, kind = (text_of(child) for child in node.named_children[:2])
        wanted = {"string": str, "int": int, "bool": bool, "array": list, "object": dict}[kind]
        if not isinstance(value, Symbol) and type(value) is not wanted and value is not None:
            raise BicepError(f"{self.path.name}: parameter {name} is {value!r}, not {kind}")
        before = node.prev_named_sibling
        for call in descendants(before) if before and before.type == "decorators" else ():
            if call.type == "call_expression" and text_of(call).startswith("allowed("):
                allowed = self.expression(call.named_children[1].named_children[0], {})
                if value not in allowed:
                    raise BicepError(f"{self.path.name}: {name} is {value!r}, not of {allowed}")

    def deploy(self) -> dict[str, Any]:
        """Evaluate everything; the outputs."""
        for name in self.nodes:
            self.value(name)
        return {name: self.expression(node, {}) for name, node in self.out.items()}

    def value(self, name: str) -> Any:
        """Of a parameter, variable, resource or module, evaluated once."""
        found = self.known.get(name, _NOTHING)
        if found is _NOTHING:
            node = self.nodes.get(name)
            if node is None:
                raise BicepError(f"{self.path.name}: nobody declared {name}")
            self.known[name] = BicepError(f"{self.path.name}: {name} depends on itself")
            found = self.known[name] = self._declared(node)
        if isinstance(found, BicepError):
            raise found
        return found

    def _declared(self, node: Node) -> Any:
        body = node.named_children[-1]
        if node.type == "resource_declaration":
            return self._each(body, {}, lambda at, own: self._resource(node, at, own))
        if node.type == "module_declaration":
            return self._each(body, {}, lambda at, own: self._module(node, at, own))
        return self.expression(body, {})

    def _each(
        self, body: Node, names: dict[str, Any], make: Callable[[Node, dict[str, Any]], Any]
    ) -> Any:
        """One, one for each turn of a loop, or None where a condition does not hold."""
        if body.type == "for_statement":
            return [
                self._each(body.named_children[-1], own, make) for own in self._turns(body, names)
            ]
        if body.type == "if_statement":
            condition, inner = body.named_children
            return self._each(inner, names, make) if self.expression(condition, names) else None
        return make(body, names)

    def _turns(self, loop: Node, names: dict[str, Any]) -> Generator[dict[str, Any]]:
        variables = loop.named_children[0]
        over = self.expression(loop.named_children[-2], names)
        if not isinstance(over, list):
            raise BicepError(f"{self.path.name}: {text_of(loop)[:40]!r} goes over no array")
        words = re.findall(r"\w+", text_of(variables))
        for place, one in enumerate(over):
            yield {**names, **dict(zip(words, (one, place), strict=False))}

    def _resource(self, node: Node, body: Node, names: dict[str, Any]) -> Resource:
        kind, _, version = self.expression(node.named_children[1], names).partition("@")
        written = self._object(body, names)
        made = Resource(
            file=self.path.name,
            line=node.start_point.row + 1,
            type=kind,
            version=version,
            existing=any(child.type == "existing" for child in node.children),
            parent=written.pop("parent", None),
            scope=written.pop("scope", None),
            name=written.pop("name", None),
            body=written,
        )
        if not made.existing:
            self.made.resources.append(made)
        return made

    def _module(self, node: Node, body: Node, names: dict[str, Any]) -> Module:
        used = self.path.parent / self.expression(node.named_children[1], names)
        if not used.exists():
            raise BicepError(f"{self.path.name}: there is no {used.name}")
        written = self._object(body, names)
        outputs = _File(used, written.get("params", {}), self.made, self.environment).deploy()
        after = [node for node in descendants(body) if text_of(node).startswith("dependsOn:")]
        made = Module(
            symbol=text_of(node.named_children[0]),
            file=used.name,
            outputs=outputs,
            after=re.findall(r"\w+", text_of(after[0]))[1:] if after else [],
        )
        self.made.modules.append(made)
        return made

    def _object(self, node: Node, names: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for child in node.named_children:
            if child.type == "comment":
                continue
            if child.type != "object_property" or len(child.named_children) != 2:
                line = child.start_point.row + 1
                raise BicepError(
                    f"{self.path.name}:{line}: use `parent`, not resources in resources"
                )
            key, content = child.named_children
            name = self.expression(key, names) if key.type == "string" else text_of(key)
            if name != "dependsOn":  # order alone; conditional modules may not be there
                found[str(name)] = self.expression(content, names)
        return found

    def expression(self, node: Node, names: dict[str, Any]) -> Any:
        """The value of an expression; `names` are those of loops around it."""
        kind, children = (
            node.type,
            [child for child in node.named_children if child.type != "comment"],
        )
        if kind == "string":
            return self._string(node, names)
        if kind == "number":
            return int(text_of(node))
        if kind == "boolean":
            return text_of(node) == "true"
        if kind == "null":
            return None
        if kind == "array":
            return [self.expression(child, names) for child in children]
        if kind == "object":
            return self._object(node, names)
        if kind == "identifier":
            name = text_of(node)
            return names[name] if name in names else self.value(name)
        if kind == "for_statement":
            return [self.expression(children[-1], own) for own in self._turns(node, names)]
        if kind == "parenthesized_expression":
            return self.expression(children[0], names)
        if kind == "ternary_expression":
            return self.expression(children[1 if self.expression(children[0], names) else 2], names)
        if kind == "unary_expression" and text_of(node).startswith("!"):
            return not self.expression(children[0], names)
        if kind == "binary_expression":
            return self._binary(node, children, names)
        if kind in ("member_expression", "subscript_expression"):
            return self._member(children[0], children[1], kind, names)
        if kind == "call_expression":
            return self._call(children, names)
        raise BicepError(f"{self.path.name}: {kind} is not read: {text_of(node)[:60]!r}")

    def _member(self, owner: Node, key: Node, kind: str, names: dict[str, Any]) -> Any:
        if owner.type == "ternary_expression":
            # The grammar binds `a ? b : c.d` as `(a ? b : c).d`; Bicep does not.
            condition, yes, no = owner.named_children
            if self.expression(condition, names):
                return self.expression(yes, names)
            return self._member(no, key, kind, names)
        found = self.expression(owner, names)
        name = text_of(key) if kind == "member_expression" else self.expression(key, names)
        if isinstance(found, (Symbol, Resource, Module)):
            return found.member(name)
        try:
            return found[name]
        except (KeyError, IndexError, TypeError):
            raise BicepError(f"{self.path.name}: {text_of(owner)[:60]} has no {name}") from None

    def _string(self, node: Node, names: dict[str, Any]) -> str:
        parts: list[str] = []
        for child in node.named_children:
            if child.type == "interpolation":
                found = self.expression(child.named_children[0], names)
                parts.append({True: "true", False: "false"}.get(found, str(found)))
            else:
                parts.append(text_of(child))
        return "".join(parts)

    def _binary(self, node: Node, children: list[Node], names: dict[str, Any]) -> Any:
        sign = next(text_of(child) for child in node.children if not child.is_named)
        left = self.expression(children[0], names)
        if sign in ("&&", "||", "??"):
            done = {"&&": not left, "||": bool(left), "??": left is not None}[sign]
            return left if done else self.expression(children[1], names)
        right = self.expression(children[1], names)
        operations: dict[str, Callable[[Any, Any], Any]] = {
            "==": lambda a, b: a == b,
            "!=": lambda a, b: a != b,
            ">": lambda a, b: a > b,
            "<": lambda a, b: a < b,
            ">=": lambda a, b: a >= b,
            "<=": lambda a, b: a <= b,
            "+": lambda a, b: a + b,
            "-": lambda a, b: a - b,
            "*": lambda a, b: a * b,
        }
        return operations[sign](left, right)

    def _call(self, children: list[Node], names: dict[str, Any]) -> Any:
        name = text_of(children[0])
        given = [self.expression(child, names) for child in children[1].named_children]
        if name in ("loadJsonContent", "loadTextContent"):
            path = self.path.parent / given[0]
            if not path.exists():
                raise BicepError(f"{self.path.name}: there is no file {given[0]}")
            text = path.read_text("utf-8")
            return json.loads(text) if name == "loadJsonContent" else text
        if name == "readEnvironmentVariable":
            if given[0] in self.environment or len(given) == 1:
                return self.environment[given[0]]
            return given[1]
        if name not in _FUNCTIONS:
            raise BicepError(f"{self.path.name}: add the function {name} to dev/infra/bicep.py")
        return _FUNCTIONS[name](given)


def _unique(parts: list[Any]) -> str:
    return "u" + hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:12]


def _union(given: list[Any]) -> Any:
    if isinstance(given[0], dict):
        merged: dict[str, Any] = {}
        for one in given:
            merged |= one
        return merged
    return list(dict.fromkeys(one for array in given for one in array))


def _items(given: list[Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": given[0][key]} for key in sorted(given[0])]


# Of the arguments, in a list.
_FUNCTIONS: dict[str, Callable[[list[Any]], Any]] = {
    "concat": lambda given: [one for array in given for one in array],
    "deployment": lambda given: {"location": Symbol("deployment.location")},
    "empty": lambda given: not given[0],
    "environment": lambda given: {"suffixes": {"storage": "core.windows.net"}},
    "guid": lambda given: f"guid({', '.join(map(str, given))})",
    "items": _items,
    "join": lambda given: given[1].join(given[0]),
    "last": lambda given: given[0][-1],
    "resourceGroup": lambda given: Symbol("resourceGroup"),
    "split": lambda given: given[0].split(given[1]),
    "string": lambda given: given[0] if isinstance(given[0], str) else json.dumps(given[0]),
    "subscription": lambda given: Symbol("subscription"),
    "subscriptionResourceId": lambda given: f"/{given[0]}/{given[1]}",
    "toLower": lambda given: given[0].lower(),
    "union": _union,
    "uniqueString": _unique,
    "utcNow": lambda given: "2026-11-01",
}
