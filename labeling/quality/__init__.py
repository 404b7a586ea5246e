"""Several people an image: who is asked, what they agree on, and how well."""
