"""The declarations, one subject in each file. Nothing here imports torch."""
