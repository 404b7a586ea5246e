import pytest

from dev.host.routes import parse_route
from dev.host.settings import HostError

GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.mark.parametrize(
    ("template", "path", "parameters"),
    [
        ("tasks", "tasks", {}),
        ("tasks", "TASKS", {}),
        ("tasks", "tasks/1", None),
        ("tasks/{id}", "tasks/a b", {"id": "a b"}),
        ("tasks/{id}", "tasks", None),
        ("tasks/{id}", "tasks/a/b", None),
        ("tasks/{id?}", "tasks", {}),
        ("tasks/{id?}", "tasks/7", {"id": "7"}),
        ("{id?}", "", {}),
        ("files/{*rest}", "files/a/b.png", {"rest": "a/b.png"}),
        ("files/{*rest}", "files", {}),
        ("files/{*rest}", "filesystem", None),
        ("x/{n:int}", "x/-12", {"n": "-12"}),
        ("x/{n:int}", "x/2147483648", None),
        ("x/{n:long}", "x/2147483648", {"n": "2147483648"}),
        ("x/{n:int?}", "x", {}),
        ("x/{g:guid}", f"x/{GUID}", {"g": GUID}),
        ("x/{g:guid}", "x/7", None),
        ("x/{b:bool}", "x/True", {"b": "True"}),
        ("x/{a:alpha}", "x/ab1", None),
        ("x/{s:length(3)}", "x/abc", {"s": "abc"}),
        ("x/{s:length(1,2)}", "x/abc", None),
        ("x/{s:minlength(2):maxlength(3)}", "x/abcd", None),
        ("x/{n:min(3)}", "x/2", None),
        ("x/{n:max(3)}", "x/3", {"n": "3"}),
        ("x/{n:range(1,5)}", "x/6", None),
        (r"x/{s:regex(^\d{{2}}$)}", "x/12", {"s": "12"}),
        (r"x/{s:regex(^\d{{2}}$)}", "x/123", None),
        ("x/{a}.{b}", "x/1.2.png", {"a": "1.2", "b": "png"}),
        ("a.b", "aXb", None),
    ],
)
def test_a_template_matches_as_in_aspnet(
    template: str, path: str, parameters: dict[str, str] | None
) -> None:
    assert parse_route(template).match(path) == parameters


@pytest.mark.parametrize("template", ["x/{id", "x/{id=1}", "x/{id:datetime}", "x/{id:length}"])
def test_a_template_that_cannot_be_read_is_refused(template: str) -> None:
    with pytest.raises(HostError):
        parse_route(template)
