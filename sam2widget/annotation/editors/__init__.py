"""What changes a session: an editor for each kind of edit, which is handed what it needs."""
