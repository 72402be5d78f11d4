"""The command ``netspec``. It stands around the rooms; nothing inside knows it."""
