"""The training loop: stages, optimizer, processes, log and checkpoints."""
