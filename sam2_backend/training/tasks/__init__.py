"""What is trained: SAM 2 with simulated users, and masked autoencoders."""
