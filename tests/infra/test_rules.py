"""Each rule notices its mistake, on a copy in which it was made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dev import ROOT
from dev.infra import bicep
from dev.infra.rules import EVERYTHING, SIZES, Facts, problems

Spoil = Callable[[str, str, str], list[str]]


def test_nothing_is_wrong_with_the_deployment(functions: frozenset[str]) -> None:
    assert problems(Facts(ROOT, functions)) == []


MISTAKES = [
    pytest.param(
        "functions.bicep",
        "var ownSettings = [\n",
        "var ownSettings = [\n  { name: 'FUNCTIONS_WORKER_RUNTIME', value: 'python' }\n",
        "FUNCTIONS_WORKER_RUNTIME must not be set on Flex",
        id="1 a setting of a Consumption plan",
    ),
    pytest.param(
        "main.bicep",
        "storageIds: concat([storage.outputs.id], imageAccounts)",
        "storageIds: [storage.outputs.id]",
        "LABELRY_STORAGE_IDS lacks photos",
        id="links into the portal to some accounts alone",
    ),
    pytest.param(
        "functions.bicep",
        "      minTlsVersion: '1.2'\n",
        "      minTlsVersion: '1.2'\n      ftpsState: 'Disabled'\n",
        "ftpsState must not be set on Flex",
        id="2 a property of another plan",
    ),
    pytest.param(
        "storage.bicep",
        "output packageUrl string = '${account.properties.primaryEndpoints.blob}${package.name}'",
        "output packageUrl string = '${account.properties.primaryEndpoints.blob}packages'",
        "deployment.storage.value is not blob endpoint and container",
        id="3 code from a container nobody made",
    ),
    pytest.param(
        "functions.bicep",
        "            userAssignedIdentityResourceId: identityId\n",
        "            userAssignedIdentityResourceId: plan.id\n",
        "does not have the identity its code is read with",
        id="3 code by an identity the app lacks",
    ),
    pytest.param(
        "functions.bicep",
        "  { name: 'AzureWebJobsStorage__credential', value: 'managedidentity' }\n",
        "",
        "AzureWebJobsStorage__credential is missing",
        id="4 a connection without its credential",
    ),
    pytest.param(
        "job.bicep",
        "  { name: 'LABELRY_STORAGE__tableServiceUri', value: storageUris.table }\n",
        "",
        "LABELRY_STORAGE__tableServiceUri is missing",
        id="4 a job without its tables",
    ),
    pytest.param(
        "functions.bicep",
        "  { name: 'AZURE_CLIENT_ID', value: clientId }\n",
        "  { name: 'AZURE_CLIENT_ID', value: clientId }\n"
        "  { name: 'AzureWebJobsStorage', value: 'AccountName=x' }\n",
        "AzureWebJobsStorage is a connection string beside an identity",
        id="4 a connection string beside it",
    ),
    pytest.param(
        "account-roles.bicep",
        "      principalType: 'ServicePrincipal'\n",
        "",
        "a role assignment without principalType",
        id="5 no type of principal",
    ),
    pytest.param(
        "registry.bicep",
        "guid(registry.id, pullerId, roles.AcrPull)",
        "guid(registry.id, 'pull')",
        "name a role assignment guid(scope, principal, role)",
        id="5 a name not made of its parts",
    ),
    pytest.param(
        "roles.json",
        "7f951dda-4ed3",
        "7f951dda-4ed4",
        "is not the id of 'AcrPull'",
        id="5 a role that does not exist",
    ),
    pytest.param(
        "main.bicep",
        "  dependsOn: [apiAccess, endpoints]\n",
        "",
        "functions must come after apiAccess",
        id="6 an app before its roles",
    ),
    pytest.param(
        "events.bicep",
        "  identity: {\n    type: 'SystemAssigned'\n  }\n",
        "",
        "deliver by the topic's own identity",
        id="7 a topic without identity",
    ),
    pytest.param(
        "events.bicep",
        "    queueName: layout.queues.blob_events\n    principalId",
        "    queueName: layout.queues.refresh\n    principalId",
        "nobody may write to the queue blob-events",
        id="7 a topic that may not write",
    ),
    pytest.param(
        "storage.bicep",
        "bypass: 'AzureServices'",
        "bypass: 'None'",
        "without bypass 'AzureServices' no event arrives",
        id="7 a firewall that keeps events out",
    ),
    pytest.param(
        "job.bicep",
        "Microsoft.App/jobs@2026-01-01",
        "Microsoft.App/jobs@2024-03-01",
        "does not know the identity of a scale rule",
        id="8 a version too old for it",
    ),
    pytest.param(
        "job.bicep",
        "              type: 'azure-queue'\n              identity: identityId\n",
        "              type: 'azure-queue'\n",
        "the scale rule queue has no identity",
        id="8 a scale rule without identity",
    ),
    pytest.param(
        "job.bicep",
        "workloadProfileType: 'Consumption-GPU-NC8as-T4' }",
        "workloadProfileType: 'Consumption-GPU-NC8as-T4', minimumCount: 0 }",
        "gpu must have no minimumCount",
        id="9 a GPU that is counted",
    ),
    pytest.param(
        "link.bicep",
        "name: 'backend'",
        "name: functionsApp",
        "link exactly one backend, by the constant name",
        id="10 a link under a changing name",
    ),
    pytest.param(
        "link.bicep",
        "      excludedPaths: openPaths\n",
        "",
        "globalValidation.excludedPaths must be ['/runtime/webhooks/blobs']",
        id="11 a webhook nobody can call",
    ),
    pytest.param(
        "main.bicep",
        "openPaths: blobTrigger ? ['/runtime/webhooks/blobs'] : []",
        "openPaths: ['/runtime/webhooks/blobs', '/api/*']",
        "globalValidation.excludedPaths must be []",
        id="11 a way past the sign-in",
    ),
    pytest.param(
        "registry.bicep",
        "output server string = registry.properties.loginServer",
        "output server string = registry.listKeys().keys[0]",
        "listKeys takes a key",
        id="12 a key",
    ),
    pytest.param(
        "storage.bicep",
        "allowSharedKeyAccess: false",
        "allowSharedKeyAccess: true",
        "properties.allowSharedKeyAccess must be False",
        id="12 an account that takes keys",
    ),
    pytest.param(
        "job.bicep",
        "destination: 'azure-monitor'",
        "destination: 'log-analytics'",
        "appLogsConfiguration.destination must be 'azure-monitor'",
        id="12 logs by a shared key",
    ),
    pytest.param(
        "functions.bicep",
        "var pythonVersion = '3.13'",
        "var pythonVersion = '3.12'",
        "Python 3.12, but the package is made for 3.13",
        id="12 another Python than the package's",
    ),
    pytest.param(
        "functions.bicep",
        "{ name: 'LABELRY_ADMINS', value",
        "{ name: 'LABELRY_ADMIN', value",
        "nobody reads LABELRY_ADMIN",
        id="a setting nobody reads",
    ),
    pytest.param(
        "functions.bicep",
        "AzureWebJobs.on_dataset_blob.Disabled",
        "AzureWebJobs.on_blob.Disabled",
        "disables a function that does not exist",
        id="a function that does not exist",
    ),
    pytest.param(
        "functions.bicep",
        "value: blobTrigger ? 'false' : 'true'",
        "value: 'false'",
        "on_dataset_blob is on, unasked for",
        id="a trigger nobody asked for",
    ),
    pytest.param(
        "alerts.bicep",
        '"on_register"',
        '"on_registered"',
        "there is no function on_registered",
        id="an alert on nothing",
    ),
    pytest.param(
        "storage.bicep",
        "for queue in items(layout.queues)",
        "for queue in items(layout.tables)",
        "queues: blob-events is read and not made",
        id="a queue nobody made",
    ),
    pytest.param(
        "storage.bicep",
        "var packageContainer = 'app-package'",
        "var packageContainer = 'packages'",
        "containers: packages is made and nobody reads it",
        id="a container nobody reads",
    ),
    pytest.param(
        "events.bicep",
        "one.key == 'datasets' ?",
        "one.key == 'models' ?",
        "events of datasets/ are left out",
        id="uploads that nobody is told of",
    ),
    pytest.param(
        "storage.bicep",
        "defaultAction: privateNetwork ? 'Deny' : 'Allow'",
        "defaultAction: 'Allow'",
        "privateNetwork leaves storage open",
        id="a private network that is none",
    ),
    pytest.param(
        "functions.bicep",
        "@description('Required. Region.')\n",
        "",
        "location has no description",
        id="a parameter that says nothing",
    ),
    pytest.param(
        "link.bicep",
        "region: location",
        "region: 'westeurope'",
        "location is declared and never used",
        id="a parameter nobody uses",
    ),
    pytest.param(
        "functions.bicep",
        "  kind: 'functionapp,linux'\n",
        "  kind 'functionapp,linux'\n",
        "functions.bicep:",
        id="a syntax error",
    ),
    pytest.param(
        "main.bicep",
        "    gpu: gpu\n",
        "    graphics: gpu\n",
        "job.bicep has no parameter graphics",
        id="a parameter a module lacks",
    ),
    pytest.param(
        "main.bicep",
        "    minutes: jobMinutes\n",
        "",
        "parameter minutes is required and was not given",
        id="a parameter a module needs",
    ),
    pytest.param(
        "team.bicepparam",
        "param gpu = 'T4'",
        "param gpus = 'T4'",
        "main.bicep has no parameter gpus",
        id="a parameter file of another time",
    ),
    pytest.param(
        "team.bicepparam",
        "param gpu = 'T4'",
        "param gpu = 'H100'",
        "gpu is 'H100', not of ['none', 'T4', 'A100']",
        id="a value that is not allowed",
    ),
    pytest.param(
        "main.bicep",
        "    minutes: jobMinutes\n",
        "    minutes: '240'\n",
        "parameter minutes is '240', not int",
        id="a value of another type",
    ),
    pytest.param(
        "job.bicep",
        "layout.queues.gpu_jobs",
        "layout.queues.jobs",
        "layout.queues has no jobs",
        id="a queue layout.json lacks",
    ),
]


@pytest.mark.parametrize(("file", "right", "wrong", "said"), MISTAKES)
def test_a_mistake_is_noticed(spoil: Spoil, file: str, right: str, wrong: str, said: str) -> None:
    assert any(said in one for one in spoil(f"infra/bicep/{file}", right, wrong))


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("  gpu-jobs:\n", "  worker:\n", "the service gpu-jobs and the tag"),
        ("    remoteBuild: false\n", "", "remoteBuild must be false"),
        ("  module: team\n", "  module: large\n", "names no parameter file"),
    ],
)
def test_a_mistake_in_azure_yaml_is_noticed(
    spoil: Spoil, right: str, wrong: str, said: str
) -> None:
    assert any(said in one for one in spoil("azure.yaml", right, wrong))


def test_a_queue_the_code_gets_is_made_by_itself(copy: Path, functions: frozenset[str]) -> None:
    layout = copy / "labeling/layout.json"
    text = layout.read_text("utf-8").replace('"queues": {', '"queues": { "later": "later",')
    layout.write_text(text, "utf-8")

    facts = Facts(copy, functions)

    queues = facts.deployments["small"].of("Microsoft.Storage/storageAccounts/queueServices/queues")
    assert "later" in {str(queue.name) for queue in queues}
    assert problems(facts) == []


@pytest.mark.parametrize("size", SIZES)
def test_what_a_size_does_not_ask_for_is_not_made(size: str) -> None:
    folder = ROOT / "infra/bicep"
    given = bicep.parameters_of(folder / f"{size}.bicepparam", {"LABELRY_ADMINS": "ann@x.org"})

    made = bicep.evaluate(folder / "main.bicep", given)
    whole = bicep.evaluate(folder / "main.bicep", {**given, **EVERYTHING})

    kinds = {resource.type for resource in made.resources}
    assert not any(kind.startswith("Microsoft.Network/") for kind in kinds)
    assert {resource.type for resource in whole.resources} > kinds


def test_without_an_admin_nothing_can_be_deployed() -> None:
    with pytest.raises(KeyError, match="LABELRY_ADMINS"):
        bicep.parameters_of(ROOT / "infra/bicep/team.bicepparam", {})
