"""torchvision's own layers for netspec.

``netspec_torchvision.plugin`` lists the declarations, without torch; ``modules``
computes where torchvision's classes take more than tensors.
"""
