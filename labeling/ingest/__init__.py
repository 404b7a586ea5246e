"""From blobs to items that can be shown."""
