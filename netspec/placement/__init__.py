"""Devices, dtypes and ranks of layers: checked before weights exist, applied afterwards."""
