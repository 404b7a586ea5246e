"""What the deployment must keep to: mistakes others made, and that code and cloud agree.

Every rule is a function from `Facts` to messages. `RULES` lists them; a test seeds each mistake.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dev.infra import bicep, package
from dev.infra.bicep import Deployment, Resource
from labeling import layout
from labeling.projects.locations import HOSTS, OWN
from labeling.settings import Settings

SIZES = ("small", "team", "500k")

EVERYTHING: Mapping[str, Any] = {
    "blobTrigger": True,
    "privateNetwork": True,
    "browserAddresses": ["203.0.113.0/24"],
    "imageAccounts": [
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/photos"
    ],
    "uploadContainers": [
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/photos"
        "/blobServices/default/containers/uploads"
    ],
    "jobImage": "registry.example/gpu-jobs:1",
    "settings": {"LABELRY_LEASE_SECONDS": 300},
    "signInTenant": "tenant",
    "signInClientId": "client",
    "signInClientSecret": "secret",
}
"""Every part that is off by default."""

ENVIRONMENT = {"LABELRY_ADMINS": "ann@example.org,kim@example.org"}

# Source: learn.microsoft.com/azure/role-based-access-control/built-in-roles
ROLES = {
    "AcrPull": "7f951dda-4ed3-4680-a7ca-43fe172d538d",
    "AcrPush": "8311e382-0749-4cb8-b61a-304f252e45ec",
    "Monitoring Metrics Publisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "Storage Blob Data Reader": "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
    "Storage Blob Delegator": "db58b8e5-c6ad-4a2a-8342-4190687cbf4a",
    "Storage Queue Data Contributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "Storage Queue Data Message Processor": "8a0f0c08-91a1-4084-bc3d-661d67233fed",
    "Storage Queue Data Message Sender": "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a",
    "Storage Queue Data Reader": "19e7f393-937e-4f77-808e-94535e297925",
    "Storage Table Data Contributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
    "Storage Table Data Reader": "76199698-9eea-4c19-bc75-cec21354c6b6",
}

IDENTITY = ("blobServiceUri", "queueServiceUri", "tableServiceUri", "credential", "clientId")
"""What an identity-based storage connection consists of."""

_OF_CONSUMPTION = (
    *("FUNCTIONS_WORKER_RUNTIME", "FUNCTIONS_EXTENSION_VERSION", "WEBSITE_RUN_FROM_PACKAGE"),
    *("SCM_DO_BUILD_DURING_DEPLOYMENT", "ENABLE_ORYX_BUILD", "WEBSITE_CONTENTSHARE"),
)
_OF_OTHER_PLANS = (
    *("netFrameworkVersion", "use32BitWorkerProcess", "functionAppScaleLimit", "ftpsState"),
    *("linuxFxVersion", "alwaysOn"),
)

JOBS, SITES = "Microsoft.App/jobs", "Microsoft.Web/sites"
ACCOUNTS = "Microsoft.Storage/storageAccounts"
CONTAINERS = f"{ACCOUNTS}/blobServices/containers"
SUBSCRIPTIONS = "Microsoft.EventGrid/systemTopics/eventSubscriptions"
ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"
ENVIRONMENTS = "Microsoft.App/managedEnvironments"


@dataclass(frozen=True)
class Facts:
    """A checkout, and what its functions are called."""

    root: Path
    functions: frozenset[str]

    @property
    def folder(self) -> Path:
        """Where the Bicep files are."""
        return self.root / "infra/bicep"

    @property
    def files(self) -> list[Path]:
        """All Bicep files."""
        return sorted(self.folder.glob("*.bicep"))

    @cached_property
    def layout(self) -> dict[str, dict[str, str]]:
        """Names of tables, queues and containers."""
        return json.loads((self.root / "labeling/layout.json").read_text("utf-8"))

    @cached_property
    def deployments(self) -> dict[str, Deployment]:
        """What each parameter file would deploy, and one with every part that is off by default."""
        given = {
            size: bicep.parameters_of(self.folder / f"{size}.bicepparam", ENVIRONMENT)
            for size in SIZES
        }
        given["everything"] = {**given["team"], **EVERYTHING}
        main = self.folder / "main.bicep"
        return {name: bicep.evaluate(main, parameters) for name, parameters in given.items()}

    def of(self, kind: str) -> Generator[Resource]:
        """The resources of a type, of all deployments."""
        for deployment in self.deployments.values():
            yield from deployment.of(kind)


Rule = Callable[[Facts], Generator[str]]


def problems(facts: Facts) -> list[str]:
    """Everything that is wrong, each said once. What can't be read is said, and rules go on without."""
    found: list[str] = []
    for rule in RULES:
        try:
            found.extend(rule(facts))
        except bicep.BicepError as error:
            found.append(str(error))
    return list(dict.fromkeys(found))


def settings_of(site: Resource) -> dict[str, Any]:
    """The environment of a Functions app or of a job."""
    if site.type == JOBS:
        listed = [one for c in site.at("properties.template.containers") for one in c["env"]]
    else:
        listed = site.at("properties.siteConfig.appSettings", [])
    return {one["name"]: one["value"] for one in listed}


def files_are_read(facts: Facts) -> Generator[str]:
    """Every file parses, whether something uses it or not."""
    for path in facts.files:
        bicep.parse(path)
        if path.name != "main.bicep" and not any(
            module.file == path.name
            for made in facts.deployments.values()
            for module in made.modules
        ):
            yield f"{path.name}: nothing uses this file"


def everything_is_described(facts: Facts) -> Generator[str]:
    """Parameters and outputs say what they are; parameters begin with how needed they are."""
    for path in facts.files:
        text = path.read_text("utf-8")
        if not text.startswith("metadata "):
            yield f"{path.name}: begin with `metadata description`"
        for node in bicep.parse(path).named_children:
            if node.type not in ("parameter_declaration", "output_declaration"):
                continue
            name = bicep.text_of(node.named_children[0])
            before = node.prev_named_sibling
            said = bicep.text_of(before) if before and before.type == "decorators" else ""
            wanted = r"@description\('(Required|Optional|Conditional)\. .+'\)"
            if node.type == "output_declaration":
                wanted = r"@description\('.+'\)"
            if not re.search(wanted, said):
                yield f"{path.name}: {name} has no description, or not how needed it is"


def nothing_is_left_over(facts: Facts) -> Generator[str]:
    """What is declared is used: the compiler would warn."""
    for path in facts.files:
        root = bicep.parse(path)
        words = [
            bicep.text_of(node) for node in bicep.descendants(root) if node.type == "identifier"
        ]
        for node in root.named_children:
            name = bicep.text_of(node.named_children[0]) if node.named_children else ""
            declared = node.type in ("parameter_declaration", "variable_declaration")
            if declared and words.count(name) < 2:
                yield f"{path.name}: {name} is declared and never used"


def no_settings_of_other_plans(facts: Facts) -> Generator[str]:
    """1. Flex refuses, or is confused by, settings of Consumption plans (vscode-azurefunctions#4142)."""
    for app in facts.of(SITES):
        for name in settings_of(app).keys() & set(_OF_CONSUMPTION):
            yield f"{app.file}: {name} must not be set on Flex Consumption"


def no_properties_of_other_plans(facts: Facts) -> Generator[str]:
    """2. Flex refuses properties of other plans (azure-pipelines-tasks#21032)."""
    for app in facts.of(SITES):
        for name in app.at("properties.siteConfig", {}).keys() & set(_OF_OTHER_PLANS):
            yield f"{app.file}: {name} must not be set on Flex Consumption"


def code_is_deployed_from_a_container_of_ours(facts: Facts) -> Generator[str]:
    """3. `deployment.storage` names a container that exists, by an identity the app has."""
    for deployment in facts.deployments.values():
        declared = {str(resource.name) for resource in deployment.of(CONTAINERS)}
        for app in deployment.of(SITES):
            storage = app.at("properties.functionAppConfig.deployment.storage", {})
            blob = r".+\.properties\.primaryEndpoints\.blob"
            found = re.fullmatch(rf"{blob}([a-z0-9-]+)", str(storage.get("value")))
            if not found or found[1] not in declared:
                yield f"{app.file}: deployment.storage.value is not blob endpoint and container"
            login = storage.get("authentication", {})
            owned = app.at("identity.userAssignedIdentities", {})
            if login.get("userAssignedIdentityResourceId") not in owned:
                yield f"{app.file}: the app does not have the identity its code is read with"


def connections_are_by_identity_and_whole(facts: Facts) -> Generator[str]:
    """4. A storage connection has all of its five settings, and no connection string."""
    for app in (*facts.of(SITES), *facts.of(JOBS)):
        settings = settings_of(app)
        wanted = ["LABELRY_STORAGE"] + ["AzureWebJobsStorage"] * (app.type == SITES)
        for connection in wanted:
            missing = [one for one in IDENTITY if not settings.get(f"{connection}__{one}")]
            if missing:
                yield f"{app.file}: {connection}__{missing[0]} is missing"
            if connection in settings:
                yield f"{app.file}: {connection} is a connection string beside an identity"
        if settings.get("AZURE_CLIENT_ID") != settings.get("LABELRY_STORAGE__clientId"):
            yield f"{app.file}: AZURE_CLIENT_ID is not the connection's identity"


def roles_are_known_and_named_for_good(facts: Facts) -> Generator[str]:
    """5. An assignment has a type of principal, a name made of its parts, and a role that exists."""
    known = json.loads((facts.folder / "roles.json").read_text("utf-8"))
    for name, role in known.items():
        if ROLES.get(name) != role:
            yield f"roles.json: {role} is not the id of {name!r}"
    used: set[str] = set()
    for resource in facts.of(ASSIGNMENTS):
        role = str(resource.at("properties.roleDefinitionId", "")).rsplit("/", 1)[-1]
        used.add(role)
        if resource.at("properties.principalType") != "ServicePrincipal":
            yield f"{resource.file}: a role assignment without principalType"
        if role not in ROLES.values():
            yield f"{resource.file}: {role} is the id of no role"
        scope = resource.scope.member("id") if resource.scope else ""
        if resource.name != f"guid({scope}, {resource.at('properties.principalId')}, {role})":
            yield f"{resource.file}: name a role assignment guid(scope, principal, role)"
    for name in sorted(name for name, role in known.items() if role not in used):
        yield f"roles.json: nobody is given {name!r}"


def roles_come_before_what_needs_them(facts: Facts) -> Generator[str]:
    """6. An app that starts before its roles are known is refused (azure-dev#8026)."""
    for deployment in facts.deployments.values():
        for used, roles in (("functions", "apiAccess"), ("job", "jobAccess")):
            for module in deployment.modules:
                if module.symbol == used and roles not in module.after:
                    yield f"main.bicep: {used} must come after {roles}: add it to dependsOn"


def events_arrive_by_identity(facts: Facts) -> Generator[str]:
    """7. Event Grid delivers by its own identity, which may write to that queue, past any firewall."""
    for deployment in facts.deployments.values():
        allowed = {
            str(resource.scope.path)
            for resource in deployment.of(ASSIGNMENTS)
            if resource.scope
            and str(resource.name).endswith(f"{ROLES['Storage Queue Data Message Sender']})")
        }
        for resource in deployment.of(SUBSCRIPTIONS):
            delivery = resource.at("properties.deliveryWithResourceIdentity", {})
            queue = delivery.get("destination", {}).get("properties", {}).get("queueName")
            topic = resource.parent.at("identity.type") if resource.parent else None
            if {delivery.get("identity", {}).get("type"), topic} != {"SystemAssigned"}:
                yield f"{resource.file}: deliver by the topic's own identity"
            if not any(path.endswith(f"/{queue}") for path in allowed):
                yield f"{resource.file}: nobody may write to the queue {queue}"
        for account in deployment.of(ACCOUNTS):
            if account.at("properties.networkAcls.bypass") != "AzureServices":
                yield f"{account.file}: without bypass 'AzureServices' no event arrives"


def jobs_scale_by_identity(facts: Facts) -> Generator[str]:
    """8. A scale rule has an identity, which versions before 2025 do not know (bicep-types-az#2310)."""
    for job in facts.of(JOBS):
        scale = job.at("properties.configuration.eventTriggerConfig.scale", {})
        if job.version < "2025-01-01":
            yield f"{job.file}: {job.version} does not know the identity of a scale rule"
        for rule in scale.get("rules", []):
            if rule.get("identity") not in job.at("identity.userAssignedIdentities", {}):
                yield f"{job.file}: the scale rule {rule['name']} has no identity of the job"
            if rule["metadata"]["queueName"] != facts.layout["queues"]["gpu_jobs"]:
                yield f"{job.file}: the job waits for a queue that is not its own"


def gpus_are_not_counted(facts: Facts) -> Generator[str]:
    """9. A serverless GPU profile has no counts (terraform-provider-azurerm#31763)."""
    for resource in facts.of(ENVIRONMENTS):
        for profile in resource.at("properties.workloadProfiles", []):
            counts = {"minimumCount", "maximumCount"} & profile.keys()
            if profile["workloadProfileType"].startswith("Consumption") and counts:
                yield f"{resource.file}: {profile['name']} must have no {', '.join(sorted(counts))}"


def the_site_has_one_backend(facts: Facts) -> Generator[str]:
    """10. A second link, or one of another name, is refused (static-web-apps#1049, #659)."""
    for deployment in facts.deployments.values():
        links = deployment.of("Microsoft.Web/staticSites/linkedBackends")
        if [link.name for link in links] != ["backend"]:
            yield "link.bicep: link exactly one backend, by the constant name 'backend'"
        for site in deployment.of("Microsoft.Web/staticSites"):
            if "properties" not in site.body:
                yield f"{site.file}: the site needs properties, be they empty"
            if site.at("sku.name") != "Standard":
                yield f"{site.file}: only a Standard site has a linked backend"


def nobody_comes_past_the_site(facts: Facts) -> Generator[str]:
    """11. All but the site is refused, but for the blob trigger's own path while it is on."""
    for deployment in facts.deployments.values():
        apps = deployment.of(SITES)
        awake = apps[0].at("properties.functionAppConfig.scaleAndConcurrency.alwaysReady", [])
        webhook = any(one["name"] == "blob" for one in awake)
        rules = [
            resource
            for resource in deployment.of(f"{SITES}/config")
            if resource.name == "authsettingsV2"
        ]
        if len(rules) != 1:
            yield "link.bicep: the Functions app has no authsettingsV2"
            continue
        wanted = {
            "requireAuthentication": True,
            "unauthenticatedClientAction": "Return401",
            "excludedPaths": ["/runtime/webhooks/blobs"] if webhook else [],
        }
        for name, value in wanted.items():
            if rules[0].at(f"properties.globalValidation.{name}") != value:
                yield f"link.bicep: globalValidation.{name} must be {value}"
        if settings_of(apps[0]).get("LABELRY_TRUST_SWA_HEADER") == "1" and not rules[0].at(
            "properties.identityProviders.azureStaticWebApps.enabled"
        ):
            yield "link.bicep: the caller's header is believed, and anybody could write it"


def nothing_has_a_key(facts: Facts) -> Generator[str]:
    """12. No keys anywhere; the package is made for the Python it runs on."""
    for path in facts.files:
        for word in re.findall(r"\b(?:list(?:Keys|Secrets|\w*Sas)|AccountKey)\b", path.read_text()):
            yield f"{path.name}: {word} takes a key; use an identity"
    off = {
        ACCOUNTS: [("properties.allowSharedKeyAccess", False)],
        "Microsoft.ContainerRegistry/registries": [("properties.adminUserEnabled", False)],
        "Microsoft.Insights/components": [("properties.DisableLocalAuth", True)],
        "Microsoft.OperationalInsights/workspaces": [
            ("properties.features.disableLocalAuth", True)
        ],
        ENVIRONMENTS: [("properties.appLogsConfiguration.destination", "azure-monitor")],
        f"{SITES}/basicPublishingCredentialsPolicies": [("properties.allow", False)],
    }
    for kind, wanted in off.items():
        for resource in facts.of(kind):
            for path, value in wanted:
                if resource.at(path) != value:
                    yield f"{resource.file}: {path} must be {value!r}"
    for app in facts.of(SITES):
        python = app.at("properties.functionAppConfig.runtime.version")
        if python != package.PYTHON:
            yield f"{app.file}: Python {python}, but the package is made for {package.PYTHON}"


def storage_is_what_the_code_reads(facts: Facts) -> Generator[str]:
    """Tables, queues and containers are those of layout.json, and that of the deployed code."""
    wanted = {
        f"{ACCOUNTS}/tableServices/tables": set(facts.layout["tables"].values()),
        f"{ACCOUNTS}/queueServices/queues": set(facts.layout["queues"].values()),
        CONTAINERS: {*facts.layout["containers"].values(), layout.PACKAGES},
    }
    for deployment in facts.deployments.values():
        for kind, names in wanted.items():
            made = {str(resource.name) for resource in deployment.of(kind)}
            for name in sorted(names ^ made):
                lack = "is made and nobody reads it" if name in made else "is read and not made"
                yield f"storage.bicep: {kind.rsplit('/', 1)[-1]}: {name} {lack}"


def events_leave_out_what_nobody_labels(facts: Facts) -> Generator[str]:
    """What the system writes itself raises no event; what somebody may label does."""
    for resource in facts.of(SUBSCRIPTIONS):
        [left_out] = resource.at("properties.filter.advancedFilters")
        said = {value.split("/containers/")[1] for value in left_out["values"]}
        wanted = {f"{name}/" for name in OWN} | {HOSTS}
        for name in sorted(said ^ wanted):
            yield f"{resource.file}: events of {name} are {'left out' if name in said else 'sent'}"
        if (
            resource.at("properties.deliveryWithResourceIdentity.destination.properties.queueName")
            != facts.layout["queues"]["blob_events"]
        ):
            yield f"{resource.file}: events go to a queue nobody reads them from"


def settings_are_those_of_the_code(facts: Facts) -> Generator[str]:
    """Every setting the deployment makes is one the code, the host or an SDK reads."""
    own = {f"LABELRY_{name.upper()}" for name in Settings.model_fields}
    identity = {
        f"{of}__{one}" for of in ("LABELRY_STORAGE", "AzureWebJobsStorage") for one in IDENTITY
    }
    others = {
        *("AZURE_CLIENT_ID", "PYTHON_THREADPOOL_THREAD_COUNT"),
        *("APPLICATIONINSIGHTS_CONNECTION_STRING", "APPLICATIONINSIGHTS_AUTHENTICATION_STRING"),
    }
    for app in (*facts.of(SITES), *facts.of(JOBS)):
        for name in settings_of(app):
            disabled = re.fullmatch(r"AzureWebJobs\.(\w+)\.Disabled", name)
            if disabled and disabled[1] not in facts.functions:
                yield f"{app.file}: {name} disables a function that does not exist"
            if not disabled and name not in own | identity | others:
                yield f"{app.file}: nobody reads {name}"


def the_app_knows_its_accounts(facts: Facts) -> Generator[str]:
    """Our own account and all that images are in are named by resource id: links into the portal go by it."""
    deployment = facts.deployments["everything"]
    wanted = {one.member("id") for one in deployment.of(ACCOUNTS) if not one.existing} | set(
        EVERYTHING["imageAccounts"]
    )
    for app in deployment.of(SITES):
        told = set(settings_of(app).get("LABELRY_STORAGE_IDS", "").split(","))
        for one in sorted(wanted - told):
            yield f"{app.file}: LABELRY_STORAGE_IDS lacks {one.rpartition('/')[2]}"


def the_blob_trigger_is_off_unless_asked_for(facts: Facts) -> Generator[str]:
    """Off, its function is disabled by name; on, an instance stays awake for it."""
    for name, deployment in facts.deployments.items():
        on = name == "everything"
        for app in deployment.of(SITES):
            disabled = settings_of(app).get("AzureWebJobs.on_dataset_blob.Disabled")
            awake = app.at("properties.functionAppConfig.scaleAndConcurrency.alwaysReady", [])
            if disabled != ("false" if on else "true"):
                yield f"{app.file}: on_dataset_blob is {'off' if on else 'on'}, unasked for"
            if on != any(one == {"name": "blob", "instanceCount": 1} for one in awake):
                yield f"{app.file}: alwaysReady does not follow blobTrigger"


def queries_name_functions_that_exist(facts: Facts) -> Generator[str]:
    """Alerts and workbook ask for functions by name."""
    for path in (facts.folder / "alerts.bicep", facts.folder / "workbook.json"):
        text = path.read_text("utf-8").replace('\\"', '"')
        for names in re.findall(r"OperationName in \(([^)]*)\)", text):
            for name in sorted(set(re.findall(r'"(\w+)"', names)) - facts.functions):
                yield f"{path.name}: there is no function {name}"


def a_private_network_is_private(facts: Facts) -> Generator[str]:
    """With it, storage refuses the internet; app and job reach it from within."""
    for account in facts.deployments["everything"].of(ACCOUNTS):
        if account.at("properties.networkAcls.defaultAction") != "Deny":
            yield f"{account.file}: privateNetwork leaves storage open"
    for app in facts.deployments["everything"].of(SITES):
        if not app.at("properties.virtualNetworkSubnetId"):
            yield f"{app.file}: privateNetwork leaves the app outside"
    for resource in facts.deployments["everything"].of(ENVIRONMENTS):
        if not resource.at("properties.vnetConfiguration.infrastructureSubnetId"):
            yield f"{resource.file}: privateNetwork leaves the job outside"


def azd_deploys_what_is_there(facts: Facts) -> Generator[str]:
    """The services of azure.yaml are the resources' tags, and are built from what is in the repository."""
    text = (facts.root / "azure.yaml").read_text("utf-8")
    listed = text.split("\nservices:", 1)[-1].split("\nhooks:", 1)[0]
    services = set(re.findall(r"^  ([\w-]+):$", listed, re.MULTILINE))
    tagged = {
        tag
        for resource in facts.deployments["team"].resources
        if (tag := resource.at("tags.azd-service-name"))
    }
    for name in sorted(services ^ tagged):
        yield f"azure.yaml: the service {name} and the tag azd-service-name do not agree"
    if "remoteBuild: false" not in text:
        yield "azure.yaml: remoteBuild must be false: the build there may take another Python"
    size = re.search(r"^  module: (\S+)$", text, re.MULTILINE)
    if not size or not (facts.folder / f"{size[1]}.bicepparam").exists():
        yield "azure.yaml: infra.module names no parameter file"


RULES: tuple[Rule, ...] = (
    files_are_read,
    everything_is_described,
    nothing_is_left_over,
    no_settings_of_other_plans,
    no_properties_of_other_plans,
    code_is_deployed_from_a_container_of_ours,
    connections_are_by_identity_and_whole,
    roles_are_known_and_named_for_good,
    roles_come_before_what_needs_them,
    events_arrive_by_identity,
    jobs_scale_by_identity,
    gpus_are_not_counted,
    the_site_has_one_backend,
    nobody_comes_past_the_site,
    nothing_has_a_key,
    storage_is_what_the_code_reads,
    events_leave_out_what_nobody_labels,
    settings_are_those_of_the_code,
    the_app_knows_its_accounts,
    the_blob_trigger_is_off_unless_asked_for,
    queries_name_functions_that_exist,
    a_private_network_is_private,
    azd_deploys_what_is_there,
)
