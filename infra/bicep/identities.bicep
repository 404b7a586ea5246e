metadata description = 'Who the parts are: one identity for the Functions app, one for the container job. Nothing has a key or a password.'

@description('Required. Makes names unique.')
param token string
@description('Required. Region.')
param location string
@description('Required. Tags of every resource.')
param tags object

resource api 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-api-${token}'
  location: location
  tags: tags
}

resource job 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-job-${token}'
  location: location
  tags: tags
}

@description('Resource id of the Functions app\'s identity.')
output apiId string = api.id
@description('Client id of the Functions app\'s identity.')
output apiClientId string = api.properties.clientId
@description('Principal id of the Functions app\'s identity.')
output apiPrincipalId string = api.properties.principalId
@description('Resource id of the job\'s identity.')
output jobId string = job.id
@description('Client id of the job\'s identity.')
output jobClientId string = job.properties.clientId
@description('Principal id of the job\'s identity.')
output jobPrincipalId string = job.properties.principalId
