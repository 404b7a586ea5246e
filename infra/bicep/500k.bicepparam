// Half a million images, two hundred labelers, training on an A100.
using 'main.bicep'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'labelry')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param admins = split(readEnvironmentVariable('LABELRY_ADMINS'), ',')
param signInTenant = readEnvironmentVariable('LABELRY_SIGN_IN_TENANT', '')
param signInClientId = readEnvironmentVariable('LABELRY_SIGN_IN_CLIENT_ID', '')
param signInClientSecret = readEnvironmentVariable('LABELRY_SIGN_IN_CLIENT_SECRET', '')
param jobImage = readEnvironmentVariable('SERVICE_GPU_JOBS_IMAGE_NAME', '')

param monthlyBudget = 2000
param storageSku = 'Standard_ZRS'
param instanceMemoryMB = 4096
param maximumInstances = 100
param alwaysReady = 1
param gpu = 'A100'
param maximumExecutions = 2
param jobMinutes = 720
param keepExportsDays = 14
param dailyLogGb = 5
