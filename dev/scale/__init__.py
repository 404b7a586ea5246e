"""What a large project meets in the cloud: the product's own calls against the services' limits."""
