"""Projects: their record, who is in them, and the data they are made of."""
