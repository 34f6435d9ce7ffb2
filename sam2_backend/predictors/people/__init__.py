"""Several people in one picture, without a click."""
