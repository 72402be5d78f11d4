"""The last room: devices are resolved before weights exist, and layers put there after."""
