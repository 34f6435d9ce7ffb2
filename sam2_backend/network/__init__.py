"""The network, and nothing of a video: its table of sizes, encoders, decoder and memory, without state."""
