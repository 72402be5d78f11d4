"""einops' layers for netspec: ``rearrange``, ``reduce`` and ``ein_mix``.

``netspec_einops.plugin`` declares them, without torch and einops; what is built are the classes of
``einops.layers.torch`` themselves.
"""
