"""The layers that torchvision's models are built of, for netspec.

``netspec_torchvision.plugin`` lists the declarations, without torch. The classes are torchvision's
own, or those of ``netspec_torchvision.modules`` where torchvision's take or give more than tensors.
"""
