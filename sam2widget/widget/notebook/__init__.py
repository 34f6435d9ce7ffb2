"""What a widget is to its notebook: its cell, its output, what is saved of it, short errors."""
