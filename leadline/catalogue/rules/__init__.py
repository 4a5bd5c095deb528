"""Every rule, one file per family, in the order of their codes."""
