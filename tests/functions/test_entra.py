from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from labeling.adapters.entra import Entra
from labeling.errors import Unauthenticated, Unavailable
from tests.functions.conftest import Api, api_of
from tests.world import STEADY, World

TENANT = "11111111-2222-3333-4444-555555555555"
SETTINGS = STEADY.model_copy(update={"entra_tenant": TENANT, "entra_audience": "api://labelry"})
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def published(*named: str) -> dict[str, Any]:
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
    return {"keys": [{**public, "kid": one, "use": "sig"} for one in named]}


class Tenant:
    """Publishes its keys, and counts how often they are read."""

    def __init__(self, *named: str) -> None:
        self.named = named
        self.read: list[str] = []

    def __call__(self, url: str) -> Mapping[str, Any]:
        self.read.append(url)
        return published(*self.named)


CLAIMS = {
    "iss": f"https://login.microsoftonline.com/{TENANT}/v2.0",
    "aud": "api://labelry",
    "tid": TENANT,
    "oid": "robot",
    "azp": "client",
}


def token(
    *, key: Any = KEY, kid: str = "one", algorithm: str = "RS256", without: str = "", **changed: Any
) -> str:
    now = int(time.time())
    claims = {**CLAIMS, "iat": now, "nbf": now, "exp": now + 3600, **changed}
    claims.pop(without, None)
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid})


def test_a_service_principal_is_somebody_with_no_rights_of_its_own() -> None:
    caller = Entra(SETTINGS, Tenant("one")).caller(token())

    assert (caller.user_id, caller.name, caller.provider) == ("robot", "client", "entra")
    assert (caller.site_admin, caller.email) == (False, "")


def test_the_app_role_admin_makes_a_site_admin() -> None:
    assert Entra(SETTINGS, Tenant("one")).caller(token(roles=["admin"])).site_admin
    assert not Entra(SETTINGS, Tenant("one")).caller(token(roles="admin")).site_admin


def test_tokens_of_the_first_version_have_another_issuer_and_are_taken() -> None:
    old = token(iss=f"https://sts.windows.net/{TENANT}/", aud="labelry")

    assert Entra(SETTINGS, Tenant("one")).caller(old).user_id == "robot"


def test_a_persons_address_counts_only_where_a_setting_says_so() -> None:
    said = token(scp="access", preferred_username="ann@example.org")
    listed = SETTINGS.model_copy(update={"admins": "ann@example.org"})
    vouched = listed.model_copy(update={"address_providers": "aad,entra"})

    plain, trusted = (Entra(settings, Tenant("one")).caller(said) for settings in (listed, vouched))

    assert (plain.name, plain.email, plain.site_admin) == ("ann@example.org", "", False)
    assert (trusted.email, trusted.site_admin) == ("ann@example.org", True)


def test_a_service_principal_can_not_claim_an_address() -> None:
    vouched = SETTINGS.model_copy(update={"address_providers": "entra", "admins": "a@b.c"})

    caller = Entra(vouched, Tenant("one")).caller(token(preferred_username="a@b.c"))

    assert (caller.email, caller.site_admin) == ("", False)


@pytest.mark.parametrize(
    "wrong",
    [
        token(aud="api://other"),
        token(iss="https://login.microsoftonline.com/common/v2.0"),
        token(iss=f"https://evil.example/{TENANT}/v2.0"),
        token(tid="99999999-2222-3333-4444-555555555555"),
        token(exp=int(time.time()) - 120),
        token(nbf=int(time.time()) + 86_400),
        token(key=OTHER),
        token(kid="two"),
        token(oid=""),
        token(oid=7),
        token(key="x" * 64, algorithm="HS256"),
        token(key=None, algorithm="none"),
        *(token(without=one) for one in ("exp", "iat", "iss", "aud", "oid", "tid")),
        "x",
        "",
        "a.b.c",
        token() + "x",
    ],
)
def test_what_is_not_a_token_for_us_is_refused(wrong: str) -> None:
    with pytest.raises(Unauthenticated):
        Entra(SETTINGS, Tenant("one")).caller(wrong)


def test_keys_are_read_once_and_again_for_a_new_one_but_not_for_each_that_is_made_up() -> None:
    tenant = Tenant("one")
    entra = Entra(SETTINGS, tenant)
    for _ in range(3):
        entra.caller(token())
    for number in range(20):
        with pytest.raises(Unauthenticated):
            entra.caller(token(kid=f"made-up-{number}"))

    assert tenant.read == [
        f"https://login.microsoftonline.com/{TENANT}/discovery/v2.0/keys",
    ]


def test_a_new_key_of_the_tenant_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = Tenant("one")
    entra = Entra(SETTINGS, tenant)
    entra.caller(token())
    tenant.named = ("one", "two")
    now = time.monotonic()
    monkeypatch.setattr("labeling.adapters.entra.monotonic", lambda: now + 61)

    assert entra.caller(token(kid="two")).user_id == "robot"


def test_keys_that_can_not_be_read_are_no_reason_to_send_another_token() -> None:
    def broken(url: str) -> Mapping[str, Any]:
        raise ValueError("no JSON")

    with pytest.raises(Unavailable):
        Entra(SETTINGS, broken).caller(token())


# Over HTTP.


def with_entra(**changed: Any) -> Api:
    world = World(SETTINGS.model_copy(update=changed))
    entra = Entra(world.settings, Tenant("one"))
    object.__setattr__(world.services, "entra", lambda: entra)
    return api_of(world)


def test_a_member_by_token_works_in_their_project_and_in_no_other() -> None:
    api = with_entra()
    robot = {"x-authorization": f"Bearer {token()}"}
    mine, other = api.project(1), api.project(1, name="Bees")
    me = api("GET", "me", who=robot)
    api("PUT", f"projects/{mine}/members/{me['user']}", {"role": "reviewer", "name": "robot"})

    assert (me["provider"], me["site_admin"]) == ("entra", False)
    assert api("GET", f"projects/{mine}", who=robot)["my_role"] == "reviewer"
    assert api("GET", f"projects/{other}", who=robot).status == 404


def test_a_wrong_token_is_not_made_good_by_a_sign_in() -> None:
    from tests.functions.conftest import ADMIN

    api = with_entra()

    assert api("GET", "me", who={**ADMIN, "x-authorization": "Bearer x"}).status == 401
    assert api("GET", "me", who={**ADMIN, "x-authorization": "Basic x"}).status == 401


def test_without_the_settings_no_token_is_taken() -> None:
    api = with_entra(entra_tenant="")

    assert api("GET", "me", who={"x-authorization": f"Bearer {token()}"}).status == 401


def test_the_header_that_the_site_overwrites_is_nothing() -> None:
    api = with_entra()

    assert api("GET", "me", who={"authorization": f"Bearer {token()}"}).status == 401
