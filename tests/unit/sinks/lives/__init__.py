"""The lives of eight problems, from the fold through the notifier to what each sink sends."""
