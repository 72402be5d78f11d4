"""Programs that show netspec at work."""
