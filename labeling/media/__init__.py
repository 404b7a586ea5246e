"""What a file is: its kind, its size, its pixels."""
