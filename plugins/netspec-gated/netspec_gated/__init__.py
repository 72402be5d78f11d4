"""Gated feed-forward layers for netspec: ``swiglu`` and ``geglu``.

``netspec_gated.plugin`` declares them, without torch; ``netspec_gated.modules`` computes.
"""
