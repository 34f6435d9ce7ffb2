"""A mask as other programs write one: run lengths, polygons, rings."""
