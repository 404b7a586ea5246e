"""What the programs that read our exports make of them: `make readers`.

Each reader is in an environment of its own below `.local/readers`, and in none of ours: some are under licences
that could not be shipped with this product.
"""
