"""Tools around netspec's models, one for each hook that netspec has beside layers.

``netspec_tools.plugin`` is what netspec loads; nothing that it imports at first imports torch.
"""
