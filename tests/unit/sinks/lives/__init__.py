"""The lives of five problems, from the fold through the notifier to what each sink sends."""
