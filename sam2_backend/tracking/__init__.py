"""Memory of one video: which frames each object is tracked from, and features of frames."""
