"""The declarations, by subject. Nothing here imports torch or torchvision."""
