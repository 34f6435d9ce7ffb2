"""Training tasks: SAM 2 with simulated users, and masked autoencoders."""
