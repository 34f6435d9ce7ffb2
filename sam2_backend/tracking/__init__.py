"""Tracking through one video: memory banks and their policies, encoded frames, the tracker."""
