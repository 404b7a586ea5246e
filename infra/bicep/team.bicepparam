// A team of twenty, a hundred thousand images, training and suggestions on a T4.
using 'main.bicep'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'labelry')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param admins = split(readEnvironmentVariable('LABELRY_ADMINS'), ',')
param signInTenant = readEnvironmentVariable('LABELRY_SIGN_IN_TENANT', '')
param signInClientId = readEnvironmentVariable('LABELRY_SIGN_IN_CLIENT_ID', '')
param signInClientSecret = readEnvironmentVariable('LABELRY_SIGN_IN_CLIENT_SECRET', '')
param jobImage = readEnvironmentVariable('SERVICE_GPU_JOBS_IMAGE_NAME', '')

param monthlyBudget = 300
param storageSku = 'Standard_ZRS'
param maximumInstances = 40
param gpu = 'T4'
param jobMinutes = 240
