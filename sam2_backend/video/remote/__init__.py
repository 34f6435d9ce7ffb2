"""Videos, pictures and arrays by URL."""
