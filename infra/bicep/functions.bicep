metadata description = 'The Functions app on Flex Consumption: sleeps at no cost, one plan for one app, reached by the site alone.'

@description('Required. Makes names unique.')
param token string
@description('Required. Region.')
param location string
@description('Required. Tags of every resource.')
param tags object
@description('Required. Resource id of the app\'s identity.')
param identityId string
@description('Required. Client id of the app\'s identity.')
param clientId string
@description('Required. Endpoints of the storage account: blob, queue and table.')
param storageUris object
@description('Required. Address of the container the code is deployed from.')
param packageUrl string
@description('Required. Connection of Application Insights; it holds no secret, for the identity signs in.')
param insightsConnection string
@description('Required. E-mail addresses of site admins.')
param admins array
@description('Required. Resource ids of the storage accounts that images are in, our own among them.')
param storageIds array
@description('Required. Further settings, by their full name.')
param settings object
@description('Required. Memory of an instance, in MB.')
param instanceMemoryMB int
@description('Required. Most instances.')
param maximumInstances int
@description('Required. HTTP instances that never sleep.')
param alwaysReady int
@description('Required. Run the blob trigger, for which one instance never sleeps.')
param blobTrigger bool
@description('Required. Subnet the app reaches storage from; empty for none.')
param subnetId string

// The package is built for the same version: `python3 -m dev.infra.package`.
var pythonVersion = '3.13'
var awakeForHttp = alwaysReady > 0 ? [{ name: 'http', instanceCount: alwaysReady }] : []
var awakeForBlobs = blobTrigger ? [{ name: 'blob', instanceCount: 1 }] : []
var identitySettings = [
  { name: 'AZURE_CLIENT_ID', value: clientId }
  { name: 'AzureWebJobsStorage__blobServiceUri', value: storageUris.blob }
  { name: 'AzureWebJobsStorage__queueServiceUri', value: storageUris.queue }
  { name: 'AzureWebJobsStorage__tableServiceUri', value: storageUris.table }
  { name: 'AzureWebJobsStorage__credential', value: 'managedidentity' }
  { name: 'AzureWebJobsStorage__clientId', value: clientId }
  { name: 'LABELRY_STORAGE__blobServiceUri', value: storageUris.blob }
  { name: 'LABELRY_STORAGE__queueServiceUri', value: storageUris.queue }
  { name: 'LABELRY_STORAGE__tableServiceUri', value: storageUris.table }
  { name: 'LABELRY_STORAGE__credential', value: 'managedidentity' }
  { name: 'LABELRY_STORAGE__clientId', value: clientId }
  { name: 'APPLICATIONINSIGHTS_CONNECTION_STRING', value: insightsConnection }
  { name: 'APPLICATIONINSIGHTS_AUTHENTICATION_STRING', value: 'ClientId=${clientId};Authorization=AAD' }
]
var ownSettings = [
  { name: 'LABELRY_ADMINS', value: join(admins, ',') }
  { name: 'LABELRY_STORAGE_IDS', value: join(storageIds, ',') }
  { name: 'LABELRY_TRUST_SWA_HEADER', value: '1' } // link.bicep lets nothing else in
  { name: 'PYTHON_THREADPOOL_THREAD_COUNT', value: '24' }
  { name: 'AzureWebJobs.on_dataset_blob.Disabled', value: blobTrigger ? 'false' : 'true' }
]
var furtherSettings = [for one in items(settings): {
  name: one.key
  value: string(one.value)
}]

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: 'plan-${token}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: 'func-${token}'
  location: location
  tags: union(tags, { 'azd-service-name': 'api' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    publicNetworkAccess: 'Enabled' // a linked backend must be reachable; sign-in refuses all but the site
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: pythonVersion
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstances
        alwaysReady: concat(awakeForHttp, awakeForBlobs)
        triggers: {
          http: {
            perInstanceConcurrency: 16 // Python's default of 1 would start an instance a request
          }
        }
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      http20Enabled: true
      appSettings: concat(identitySettings, ownSettings, furtherSettings)
    }
  }
}

resource ftp 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource scm 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
}

@description('Name of the app.')
output name string = app.name
