"""Makes the built site let in one tenant alone: `python3 -m dev.infra.sign_in static_web/dist`.

Without `SIGN_IN_TENANT` in the environment (an output of the deployment) nothing is changed: then the
provider that comes with every Static Web App signs in anybody with a Microsoft account, and membership
of projects alone decides what they see. Runs on the bare interpreter.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

CONFIG = "staticwebapp.config.json"


def main(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> int:
    """Change the configuration in the folder named, and say how people sign in."""
    file = Path(arguments[0]) / CONFIG
    tenant = environment.get("SIGN_IN_TENANT", "").strip()
    if not tenant:
        print("sign-in: any Microsoft account; who is invited to no project sees nothing")
        return 0
    if not re.fullmatch(r"[0-9A-Za-z.-]+", tenant):
        print(f"sign-in: {tenant!r} is no tenant id", file=sys.stderr)
        return 1
    pinned = pin(json.loads(file.read_text("utf-8")), tenant)
    file.write_text(json.dumps(pinned, indent=2) + "\n", "utf-8")
    print(f"sign-in: people of the tenant {tenant}")
    return 0


def pin(config: Mapping[str, Any], tenant: str) -> dict[str, Any]:
    """The configuration with a sign-in registration of that tenant's own.

    The names of the two settings are those that `infra/bicep/site.bicep` gives the site.
    """
    registration = {
        "openIdIssuer": f"https://login.microsoftonline.com/{tenant}/v2.0",
        "clientIdSettingName": "SIGN_IN_CLIENT_ID",
        "clientSecretSettingName": "SIGN_IN_CLIENT_SECRET",
    }
    provider = {"azureActiveDirectory": {"registration": registration}}
    return {**config, "auth": {"identityProviders": provider}}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
