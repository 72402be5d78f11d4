"""The parts of modern transformers that torch.nn lacks, for netspec.

``netspec_transformer.plugin`` lists the declarations, without torch; the classes that compute are
those of ``netspec_transformer.modules``.
"""
