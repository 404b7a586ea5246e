metadata description = 'The container job: starts when a message waits in its queue, ends when none is left, costs nothing in between.'

@description('Required. Makes names unique.')
param token string
@description('Required. Region.')
param location string
@description('Required. Tags of every resource.')
param tags object
@description('Required. Resource id of the job\'s identity.')
param identityId string
@description('Required. Client id of the job\'s identity.')
param clientId string
@description('Required. Name of the storage account.')
param account string
@description('Required. Endpoints of the storage account: blob, queue and table.')
param storageUris object
@description('Required. Host name of the registry.')
param registryServer string
@description('Required. The image; empty for one that does nothing.')
param image string
@description('Required. What it computes on: none, T4 or A100.')
param gpu string
@description('Required. Most executions at once.')
param maximumExecutions int
@description('Required. Minutes after which an execution is ended.')
param minutes int
@description('Required. Subnet of the environment; empty for none.')
param subnetId string
@description('Required. Log Analytics workspace.')
param workspaceId string
@description('Required. Further settings, by their full name.')
param settings object

var layout = loadJsonContent('../../labeling/layout.json')
var identitySettings = [
  { name: 'AZURE_CLIENT_ID', value: clientId }
  { name: 'LABELRY_STORAGE__blobServiceUri', value: storageUris.blob }
  { name: 'LABELRY_STORAGE__queueServiceUri', value: storageUris.queue }
  { name: 'LABELRY_STORAGE__tableServiceUri', value: storageUris.table }
  { name: 'LABELRY_STORAGE__credential', value: 'managedidentity' }
  { name: 'LABELRY_STORAGE__clientId', value: clientId }
]
var furtherSettings = [for one in items(settings): {
  name: one.key
  value: string(one.value)
}]
var consumption = { name: 'Consumption', workloadProfileType: 'Consumption' }
var machines = {
  none: {
    profile: 'Consumption'
    profiles: [consumption]
    cpu: 4
    memory: '8Gi'
  }
  T4: {
    profile: 'gpu'
    profiles: [consumption, { name: 'gpu', workloadProfileType: 'Consumption-GPU-NC8as-T4' }]
    cpu: 8
    memory: '56Gi'
  }
  A100: {
    profile: 'gpu'
    profiles: [consumption, { name: 'gpu', workloadProfileType: 'Consumption-GPU-NC24-A100' }]
    cpu: 24
    memory: '220Gi'
  }
}

resource environment 'Microsoft.App/managedEnvironments@2026-01-01' = {
  name: 'cae-${token}'
  location: location
  tags: tags
  properties: {
    appLogsConfiguration: {
      destination: 'azure-monitor'
    }
    workloadProfiles: machines[gpu].profiles
    vnetConfiguration: empty(subnetId) ? null : { infrastructureSubnetId: subnetId, internal: true }
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: environment
  name: 'logs'
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        categoryGroup: 'allLogs'
        enabled: true
      }
    ]
  }
}

resource job 'Microsoft.App/jobs@2026-01-01' = {
  name: 'job-${token}'
  location: location
  tags: union(tags, { 'azd-service-name': 'gpu-jobs' })
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    environmentId: environment.id
    workloadProfileName: machines[gpu].profile
    configuration: {
      triggerType: 'Event'
      replicaTimeout: minutes * 60
      replicaRetryLimit: 0 // the message comes again by itself, and is counted
      eventTriggerConfig: {
        parallelism: 1
        replicaCompletionCount: 1
        scale: {
          minExecutions: 0
          maxExecutions: maximumExecutions
          pollingInterval: 30
          rules: [
            {
              name: 'queue'
              type: 'azure-queue'
              identity: identityId
              metadata: {
                accountName: account
                queueName: layout.queues.gpu_jobs
                queueLength: '1'
                queueLengthStrategy: 'visibleonly' // one in work must not start another execution
              }
            }
          ]
        }
      }
      registries: [
        {
          server: registryServer
          identity: identityId
        }
      ]
    }
    template: {
      containers: [
        {
          name: 'gpu-jobs'
          image: empty(image) ? 'mcr.microsoft.com/k8se/quickstart-jobs:latest' : image
          resources: {
            cpu: machines[gpu].cpu
            memory: machines[gpu].memory
          }
          env: concat(identitySettings, furtherSettings)
        }
      ]
    }
  }
}

@description('Name of the job.')
output name string = job.name
