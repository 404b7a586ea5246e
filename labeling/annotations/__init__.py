"""What a labeler says about an image: shapes, classes, and what became of suggestions."""
