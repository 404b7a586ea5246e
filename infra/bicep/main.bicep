metadata name = 'Labelry'
metadata description = 'Everything Labelry needs in one resource group. This file is the bill of materials: one module a concern.'

targetScope = 'subscription'

@description('Required. Names the resource group and everything in it.')
@minLength(2)
@maxLength(20)
param environmentName string
@description('Optional. Region of everything but the site\'s own. GPUs are in some regions only: see docs/deployment.md.')
param location string = deployment().location
@description('Optional. Region the static site is managed from; its files are served from everywhere.')
@allowed(['centralus', 'eastasia', 'eastus2', 'westeurope', 'westus2'])
param siteLocation string = 'westeurope'

@description('Required. E-mail addresses of the first site admins, who make projects and invite everybody else.')
param admins array
@description('Optional. Who is told of alerts and of the budget.')
param alertEmails array = admins
@description('Optional. Money a month, in the currency of the bill, at which the addresses are told; 0 for no budget. It stops nothing.')
@minValue(0)
param monthlyBudget int = 0
@description('Optional. First day the budget counts; Azure wants the first of the current month.')
param budgetFrom string = utcNow('yyyy-MM-01')

@description('Optional. Memory of one instance of the Functions app, in MB.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048
@description('Optional. Most instances of each function (all HTTP functions count as one).')
@minValue(1)
@maxValue(1000)
param maximumInstances int = 40
@description('Optional. Instances that answer at once and never sleep. They are billed while idle.')
@minValue(0)
param alwaysReady int = 0
@description('Optional. React to uploads by the blob trigger as well as by the queue. Costs an instance that never sleeps, and a second step: see docs/deployment.md.')
param blobTrigger bool = false
@description('Optional. Numbers and switches of labeling/settings.py that differ from their defaults, by their full name.')
param settings object = {}

@description('Optional. What the container job computes on.')
@allowed(['none', 'T4', 'A100'])
param gpu string = 'none'
@description('Optional. Most executions of the job at once. With an hourly price of the GPU and the time limit, this bounds what it can cost.')
@minValue(1)
param maximumExecutions int = 1
@description('Optional. Minutes after which an execution of the job is ended. What it had not finished is taken up by the next one.')
@minValue(5)
@maxValue(1440)
param jobMinutes int = 240
@description('Optional. Image of the job. Empty until one was built: then an image that does nothing stands in.')
param jobImage string = ''

@description('Optional. Redundancy of the storage account.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
param storageSku string = 'Standard_ZRS'
@description('Optional. Days a deleted or overwritten blob can be had back.')
@minValue(1)
@maxValue(365)
param keepDeletedDays int = 14
@description('Optional. Days after which files of an export are deleted; another one can be made at any time.')
@minValue(1)
param keepExportsDays int = 30
@description('Optional. Resource ids of storage accounts whose images may be labeled too. Grants Storage Blob Data Reader and Delegator there.')
param imageAccounts array = []
@description('Optional. Resource ids of containers of these accounts that images may be uploaded to. Grants Storage Blob Data Contributor on each, and on nothing else there.')
param uploadContainers array = []
@description('Optional. Origins beside the site\'s own that browsers may load images from, such as https://label.example.org once that is a domain of the site.')
param siteOrigins array = []

@description('Optional. Keep storage off the internet: private endpoints and a network of our own. What stays public is said in docs/deployment.md.')
param privateNetwork bool = false
@description('Optional. Public addresses (or CIDR ranges) of offices whose browsers may load images although the network is private.')
param browserAddresses array = []
@description('Optional. Address ranges of the network and of its subnets: functions and jobs take a /24 to scale, endpoints a /27.')
param networkRanges object = {
  network: '10.80.0.0/22'
  functions: '10.80.0.0/24'
  jobs: '10.80.1.0/24'
  endpoints: '10.80.2.0/27'
}

@description('Optional. Only people of this Entra tenant may sign in. Empty: anybody with a Microsoft account may, and sees nothing until invited.')
param signInTenant string = ''
@description('Conditional. Application (client) id of the sign-in registration; required with signInTenant.')
param signInClientId string = ''
@description('Conditional. Secret of the sign-in registration; required with signInTenant.')
@secure()
param signInClientSecret string = ''

@description('Optional. Days logs are kept.')
@minValue(30)
@maxValue(730)
param keepLogsDays int = 30
@description('Optional. Most gigabytes of logs a day; what comes after is dropped. -1 for no limit.')
param dailyLogGb int = 1

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = {
  'azd-env-name': environmentName
  application: 'labelry'
}

resource group 'Microsoft.Resources/resourceGroups@2024-11-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identities 'identities.bicep' = {
  name: 'identities'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
  }
}

module network 'network.bicep' = if (privateNetwork) {
  name: 'network'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    ranges: networkRanges
  }
}

module monitoring 'monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    keepDays: keepLogsDays
    dailyGb: dailyLogGb
    publisherId: identities.outputs.apiPrincipalId
  }
}

module site 'site.bicep' = {
  name: 'site'
  scope: group
  params: {
    token: token
    location: siteLocation
    tags: tags
    signInClientId: signInClientId
    signInClientSecret: signInClientSecret
  }
}

module storage 'storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    sku: storageSku
    keepDeletedDays: keepDeletedDays
    keepExportsDays: keepExportsDays
    origins: concat([site.outputs.url], siteOrigins)
    privateNetwork: privateNetwork
    browserAddresses: browserAddresses
    workspaceId: monitoring.outputs.workspaceId
  }
}

module endpoints 'endpoints.bicep' = if (privateNetwork) {
  name: 'endpoints'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    networkId: privateNetwork ? network!.outputs.id : ''
    subnetId: privateNetwork ? network!.outputs.endpointsSubnetId : ''
    accountId: storage.outputs.id
  }
}

module apiAccess 'account-roles.bicep' = {
  name: 'api-access'
  scope: group
  params: {
    account: storage.outputs.name
    principalId: identities.outputs.apiPrincipalId
    roleNames: [
      'Storage Blob Data Owner' // the host needs more than Contributor for its leases
      'Storage Blob Delegator'
      'Storage Queue Data Contributor'
      'Storage Table Data Contributor'
    ]
  }
}

module jobAccess 'account-roles.bicep' = {
  name: 'job-access'
  scope: group
  params: {
    account: storage.outputs.name
    principalId: identities.outputs.jobPrincipalId
    roleNames: [
      'Storage Blob Data Contributor'
      'Storage Queue Data Contributor'
      'Storage Table Data Contributor'
    ]
  }
}

module imageAccess 'account-roles.bicep' = [
  for (account, place) in imageAccounts: {
    name: 'image-access-${place}'
    scope: resourceGroup(split(account, '/')[2], split(account, '/')[4])
    params: {
      account: last(split(account, '/'))
      principalId: identities.outputs.apiPrincipalId
      roleNames: [
        'Storage Blob Data Reader'
        'Storage Blob Delegator'
      ]
    }
  }
]

module uploadAccess 'container-roles.bicep' = [
  for (container, place) in uploadContainers: {
    name: 'upload-access-${place}'
    scope: resourceGroup(split(container, '/')[2], split(container, '/')[4])
    params: {
      account: split(container, '/')[8]
      container: last(split(container, '/'))
      principalId: identities.outputs.apiPrincipalId
    }
  }
]

module events 'events.bicep' = {
  name: 'events'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    account: storage.outputs.name
    packageContainer: storage.outputs.packageContainer
  }
}

module functions 'functions.bicep' = {
  name: 'functions'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    identityId: identities.outputs.apiId
    clientId: identities.outputs.apiClientId
    storageUris: storage.outputs.uris
    packageUrl: storage.outputs.packageUrl
    insightsConnection: monitoring.outputs.connection
    admins: admins
    storageIds: concat([storage.outputs.id], imageAccounts)
    settings: settings
    instanceMemoryMB: instanceMemoryMB
    maximumInstances: maximumInstances
    alwaysReady: alwaysReady
    blobTrigger: blobTrigger
    subnetId: privateNetwork ? network!.outputs.functionsSubnetId : ''
  }
  dependsOn: [apiAccess, endpoints]
}

module link 'link.bicep' = {
  name: 'link'
  scope: group
  params: {
    site: site.outputs.name
    siteHost: site.outputs.host
    functionsApp: functions.outputs.name
    location: location
    openPaths: blobTrigger ? ['/runtime/webhooks/blobs'] : []
  }
}

module registry 'registry.bicep' = {
  name: 'registry'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    pullerId: identities.outputs.jobPrincipalId
  }
}

module job 'job.bicep' = {
  name: 'job'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    identityId: identities.outputs.jobId
    clientId: identities.outputs.jobClientId
    account: storage.outputs.name
    storageUris: storage.outputs.uris
    registryServer: registry.outputs.server
    image: jobImage
    gpu: gpu
    maximumExecutions: maximumExecutions
    minutes: jobMinutes
    subnetId: privateNetwork ? network!.outputs.jobsSubnetId : ''
    workspaceId: monitoring.outputs.workspaceId
    settings: settings
  }
  dependsOn: [jobAccess, endpoints]
}

module alerts 'alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    emails: alertEmails
    workspaceId: monitoring.outputs.workspaceId
    job: job.outputs.name
  }
}

module workbook 'workbook.bicep' = {
  name: 'workbook'
  scope: group
  params: {
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
  }
}

module budget 'budget.bicep' = if (monthlyBudget > 0) {
  name: 'budget'
  scope: group
  params: {
    amount: monthlyBudget
    firstDay: budgetFrom
    emails: alertEmails
  }
}

@description('Where people go.')
output SITE_URL string = site.outputs.url
@description('The resource group of everything.')
output AZURE_RESOURCE_GROUP string = group.name
@description('The Functions app.')
output FUNCTIONS_APP string = functions.outputs.name
@description('The static site.')
output SITE_NAME string = site.outputs.name
@description('The storage account; images are uploaded to its container `datasets`.')
output STORAGE_ACCOUNT string = storage.outputs.name
@description('The registry the job\'s image is pushed to.')
output AZURE_CONTAINER_REGISTRY_ENDPOINT string = registry.outputs.server
@description('The container job.')
output JOB_NAME string = job.outputs.name
@description('The Log Analytics workspace.')
output WORKSPACE_ID string = monitoring.outputs.workspaceId
@description('The Event Grid topic of the storage account.')
output EVENTS_TOPIC string = events.outputs.topic
@description('The tenant people must be of, written into the site\'s configuration when it is deployed.')
output SIGN_IN_TENANT string = signInTenant
