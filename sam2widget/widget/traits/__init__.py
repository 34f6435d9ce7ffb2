"""Traits of the widget: their types, those that say what a session is, and what they set."""
