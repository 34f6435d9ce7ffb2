"""Arrays of any library, in memory or in files, as frames."""
