"""Secrets are masked in text that others wrote, before it leaves the process.

One pass: ``openers`` finds where a secret may begin, ``values`` where it ends. The pass goes on behind a mask, so that
no part of a text is read more than a fixed number of times, whatever it holds.

Limits: only the forms in ``openers`` are known, and no word is taken for a secret by its looks, since the hash of a
commit looks like a key. The name of a user is no secret, also where a URL has nothing else. Parameters of statements
under other names are data, and are the agent's to mask.

Own code: detect-secrets, gitleaks and trufflehog search repositories for lines with secrets, scrubadub and presidio
search texts for personal data. None of them was tried on connection strings, SQL or the messages of libpq.

``openers``  the marks behind which a secret stands: one pattern of bounded width
``values``   the end of a value: in quotes of any depth, or without
``redact``   the pass over a text
"""
