"""The configuration: found, read, checked and typed; or, where there is none, what can be seen without."""
