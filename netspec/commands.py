"""The names of netspec's own commands, which no plugin may take."""

COMMANDS = ("check", "show", "plan", "build", "export", "layers", "plugins", "new-plugin", "stubs")
