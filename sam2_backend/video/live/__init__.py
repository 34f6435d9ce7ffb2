"""Videos that are being recorded."""
