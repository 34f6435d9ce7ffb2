"""Tables, arrays and what microscopists' programs read."""
