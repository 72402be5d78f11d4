"""A model written in YAML, trained on real images: ``python -m examples.demo``."""
