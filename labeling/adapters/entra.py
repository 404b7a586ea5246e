"""Tokens of Entra ID, for service principals and `az login`: of one tenant, for us, and still valid.

Checked by PyJWT; the tenant's keys are fetched when they are first needed, and again when a token names
another one, at most once a minute, however many such tokens come.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

import jwt
import requests

from labeling import layout
from labeling.errors import Unauthenticated, Unavailable
from labeling.projects.access import Caller
from labeling.settings import Settings

PROVIDER = "entra"
REFRESH_S = 60
KEEP_S = 24 * 3600
LEEWAY_S = 60
_TIMEOUT_S = 10

Fetch = Callable[[str], Mapping[str, Any]]
"""Reads a JSON Web Key Set from an address."""


def _fetch(url: str) -> Mapping[str, Any]:
    response = requests.get(url, timeout=_TIMEOUT_S, allow_redirects=False)
    response.raise_for_status()
    return response.json()


class Entra:
    """Who a token stands for."""

    def __init__(self, settings: Settings, fetch: Fetch = _fetch) -> None:
        self._settings = settings
        self._fetch = fetch
        self._keys: dict[str, jwt.PyJWK] = {}
        self._read_at = float("-inf")

    def caller(self, token: str) -> Caller:
        """Who a token stands for: a person, or a service principal.

        The app role `admin` makes a site admin; all others need to be members of a project. A person's
        address counts where LABELRY_ADDRESS_PROVIDERS names `entra`.

        Raises:
            Unauthenticated: it is not a valid token for us.
            Unavailable: the tenant's keys can't be read.
        """
        tenant, audience = self._settings.entra_tenant, self._settings.entra_audience
        if not tenant or not audience:
            raise Unauthenticated("tokens of Entra ID are not taken here; send an API token")
        try:
            claims = jwt.decode(
                token,
                self._key(token),
                algorithms=["RS256"],
                audience=[audience, audience.removeprefix("api://")],
                issuer=[
                    f"https://login.microsoftonline.com/{tenant}/v2.0",
                    f"https://sts.windows.net/{tenant}/",
                ],
                leeway=LEEWAY_S,
                options={"require": ["exp", "iat", "iss", "aud", "oid", "tid"]},
            )
        except jwt.PyJWTError as error:
            raise Unauthenticated(f"this token is not valid here: {error}") from None
        if claims["tid"] != tenant or not isinstance(claims["oid"], str) or not claims["oid"]:
            raise Unauthenticated("this token is of another tenant")
        roles = claims.get("roles", [])
        person = bool(claims.get("scp"))
        name = str(claims.get("preferred_username") or claims.get("upn") or "") if person else ""
        email = name if "@" in name and self._settings.vouches(PROVIDER) else ""
        return Caller(
            user=layout.user_key(PROVIDER, claims["oid"]),
            name=name or str(claims.get("app_displayname") or claims.get("azp") or claims["oid"]),
            provider=PROVIDER,
            user_id=claims["oid"],
            email=email,
            site_admin=(isinstance(roles, list) and "admin" in roles)
            or self._settings.is_admin(email),
        )

    def _key(self, token: str) -> jwt.PyJWK:
        """The key that a token names.

        Raises:
            jwt.PyJWTError: it is no token, or the tenant has no such key.
        """
        named = jwt.get_unverified_header(token).get("kid", "")
        age = monotonic() - self._read_at
        if age > KEEP_S or (named not in self._keys and age > REFRESH_S):
            self._read_at = monotonic()
            self._keys = self._fetched()
        if named not in self._keys:
            raise jwt.InvalidKeyError("the tenant has no such key")
        return self._keys[named]

    def _fetched(self) -> dict[str, jwt.PyJWK]:
        tenant = self._settings.entra_tenant
        url = f"https://login.microsoftonline.com/{tenant}/discovery/v2.0/keys"
        try:
            found = jwt.PyJWKSet.from_dict(dict(self._fetch(url)))
        except (requests.RequestException, ValueError, jwt.PyJWTError):
            raise Unavailable("the keys of Entra ID can't be read; send the same again") from None
        return {key.key_id: key for key in found.keys if key.key_id}
