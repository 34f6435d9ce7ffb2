"""Sessions in files: written whole, read with distrust, found again by the content of the video."""
