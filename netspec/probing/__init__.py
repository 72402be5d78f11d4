"""Layers without a shape rule: their classes are run without memory, and formulas are fitted.

The only room before the Plan that imports torch, and only where a spec uses such a layer.
"""
