"""What to write instead: other notations of layers, other names, and mistakes of YAML.

Imported only where something is wrong.
"""
