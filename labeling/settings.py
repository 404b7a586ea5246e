"""Every setting of the product, read from the environment once: prefix `LABELRY_`."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from labeling.names import same_address


class Settings(BaseSettings):
    """Numbers and switches a deployment may change. Times in seconds."""

    model_config = SettingsConfigDict(env_prefix="LABELRY_", frozen=True)

    storage: str = Field(
        default="UseDevelopmentStorage=true", description="Connection of the storage"
    )
    trust_swa_header: bool = Field(
        default=False,
        description="Believe x-ms-client-principal; only behind a linked Static Web App",
    )
    admins: str = Field(default="", description="Site admins: e-mail addresses, comma-separated")
    address_providers: str = Field(
        default="aad",
        description="Sign-in providers whose addresses invite and make site admins, comma-separated",
    )
    lease_seconds: int = Field(default=600, ge=2, description="How long a handed-out task is held")
    lease_grace_seconds: int = Field(
        default=30, ge=0, description="Waited after a lease's end, for clocks that differ"
    )
    max_items: int = Field(default=500_000, ge=1, description="Items a project may have")
    cache_seconds: float = Field(
        default=5.0, ge=0, le=5, description="How long project rows are believed"
    )
    refresh_seconds: int = Field(default=3600, ge=30, description="Between incremental refreshes")
    seen_ms: int = Field(
        default=400,
        ge=0,
        le=60_000,
        description="How long a suggestion is shown before submitting accepts it",
    )
    storage_ids: str = Field(
        default="",
        description="Resource ids of storage accounts, comma-separated; links into the Azure portal go by them",
    )
    entra_tenant: str = Field(
        default="", description="Tenant whose tokens are taken for scripts; none when empty"
    )
    entra_audience: str = Field(
        default="", description="Application that these tokens must be for, such as api://labelry"
    )
    token_requests_a_minute: int = Field(
        default=3000, ge=0, description="Of one API token, on each instance; 0: no limit"
    )
    webhook_hosts: str = Field(
        default="",
        description="Hosts of webhooks that may be private and without TLS: host:port, comma-separated",
    )
    click_model: str = Field(
        default="",
        pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*)?$",
        description="Folder of the container `models` with encoder.onnx and decoder.onnx of a model that "
        "outlines what is clicked at; none when empty",
    )
    count_calls: bool = Field(
        default=False, description="Answer with the number of storage calls made"
    )

    @property
    def storage_id_by_account(self) -> dict[str, str]:
        """Resource ids of storage accounts, by the account's name."""
        listed = (one.strip() for one in self.storage_ids.split(","))
        return {one.rpartition("/")[2].lower(): one for one in listed if one}

    def is_admin(self, email: str) -> bool:
        """Whether this address is a site admin by configuration."""
        listed = {same_address(address) for address in self.admins.split(",") if address.strip()}
        return bool(email) and same_address(email) in listed

    def vouches(self, provider: str) -> bool:
        """Whether an address that this sign-in provider tells is its user's."""
        return provider in {known.strip() for known in self.address_providers.split(",")}
