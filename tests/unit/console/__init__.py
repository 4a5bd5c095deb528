"""The console: what its pages say, without a browser."""
