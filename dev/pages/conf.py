"""How Sphinx makes pages of docs/."""

project = "Labelry"
extensions = ["myst_parser", "sphinx_copybutton", "sphinxcontrib.mermaid"]
html_theme = "furo"
html_title = "Labelry"
myst_fence_as_directive = ["mermaid"]
myst_heading_anchors = 3
"""Headings that links may name, as on a forge."""
