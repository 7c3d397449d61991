"""Settings of each person's server."""

c = get_config()  # noqa: F821

c.LanguageServerManager.autodetect = False  # looking for language servers costs each start a second, and finds none
c.MappingKernelManager.cull_idle_timeout = 3600  # a kernel that nobody has used for an hour ends
