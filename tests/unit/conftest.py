"""The garbage collector in unit tests."""

import gc

# A hundred times less often than usual: little is in circles, and a tenth of the time goes to it. Not in tests on
# servers, whose clients keep connections, and print, until they are collected.
gc.set_threshold(100 * gc.get_threshold()[0])
