"""Small modules for what torch has functions for but no classes; they work without netspec too."""
