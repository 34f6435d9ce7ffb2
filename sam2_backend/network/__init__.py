"""The network, and nothing of a video: encoders, decoder, memory, and the table of their sizes."""
