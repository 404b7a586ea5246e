"""Items: what is kept of each image, and the only code that writes it."""
