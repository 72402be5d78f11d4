"""Layouts on torch.distributed: what the strategies of ``netspec.placement`` do to modules."""
