"""Builders of guest images. Standard library only: they run before any virtual environment exists."""
