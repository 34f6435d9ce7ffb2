"""Device and precision, the CPU's fast paths, the allocator, and handling of too little memory."""
