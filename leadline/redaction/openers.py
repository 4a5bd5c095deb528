"""The marks behind which a secret stands, as one pattern of bounded width.

Each group is a form; ``leadline.redaction.redact`` has the reader of its value. Bounded means that a position of a text
is compared with a fixed number of characters behind it: no repetition in here is without a limit.
"""

import re
from typing import Final

_KEYS: Final = (
    "(?:api|access|account|routing|signing|private|secret|shared|storage|encryption|integration|license|libsodium"
    "|client|server|s3)[_ .-]?(?:access[_-]?)?key(?:[_-]?id)?"
)
_NOT_PARSED: Final = "(?<!unrecognized )(?<!unexpected )(?<!json )(?<!datetime )token"
"""Not that of a parser, in messages of PostgreSQL."""
_NAME: Final = (
    (
        r"(?:passw(?:or)?[dt]s?|kennwort|passphrase(?:[_-]command)?|[_-]pass|(?<![a-z])pass(?=\\{0,3}[\"']|=)"
        r"|(?m:^[ \t-]{0,20}pass(?=:))|pwd|{token}|secrets?|(?:amz|goog|slack|ll|leadline)-signature"
        r"|credentials?(?=\\{0,3}[\"']?\s{0,3}=)"
        r"|client[_-]?assertion|code[_-]?verifier|dockerconfigjson|key[._]pem|{keys})(?:[_-]?\d{1,3})?"
    )
    .replace("{{", "{")
    .replace("}}", "}")
    .replace("{keys}", _KEYS)
    .replace("{token}", _NOT_PARSED)
)
"""The end of a name: ``PGPASSWORD``, ``slack_token``, ``sasl.password``, ``clientSecret``."""
_LITERAL: Final = r"(?:[ebn]|u&)?\\{0,15}'|\$"
_SPACE: Final = r"(?:\s|/\*[^*]{0,80}\*/|--[^\n]{0,80}\n)"
_EQUALS: Final = r"(?:=>|:?=|:(?![:=])|%3[ad]|\\{1,3}u003[ad])"
_PAIR: Final = r"""[,\s]{1,20}\\{0,15}["']?value\\{0,15}["']?\s{0,5}[=:]\s{0,5}"""
_SEPARATOR: Final = (
    rf"""\\{{0,15}}["']{{0,2}}(?:\s{{0,20}}{_EQUALS}\s{{0,20}}|{_PAIR}|{_SPACE}{{1,12}}(?={_LITERAL})"""
    r"""|(?<=["']),\s{0,5}(?=b?["'])|\(\s{0,5}(?=e?')|(?P<detail>\)=\()|(?P<tag>>))"""
)
"""Between a name and its value: in settings, JSON, YAML, headers, SQL, calls, tuples, markup and DETAIL of an error."""
_NO_VALUE: Final = (
    r"(?!(?:missing|not|cannot|must|expected|unknown|set)[;: ]|(?:null|none)\b|\$\d|\?(?:[\s,;)]|\Z)|%s|%\("
    r"|\*{3}(?!\w))"
)
"""A report about a setting, a parameter of a statement, and a mask: no values."""
_HEADER: Final = r"""\\{0,15}["']?(?:\s{0,5}[=:]\s{0,5}|(?<=["']),\s{0,5}b?)"""
_HOOKS: Final = (
    r"hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)|discord(?:app)?\.com/api/webhooks"
    r"|\.webhook\.office\.com/\w{1,30}|events\.pagerduty\.com/integration"
)

FORMS: Final[dict[str, str]] = {
    # The password of a URL with spaces between its words, which no URL may have; a port is none.
    "spaced_url": r"://[^\s:/@]{1,64}:(?!\d{1,5}[\s/?,])[^\s@/\"']{1,64}(?: [^\s@/\"':]{1,64}){1,4}@",
    "url": "://",
    "go_dsn": r"@(?:tcp|unix)\(",
    "header": rf"(?:authorization|(?P<cookie>cookie)){_HEADER}",
    "set_password": r"\bset\s{1,9}password\s{1,9}for\s{1,9}\S{1,120}\s{0,9}=\s{0,9}(?=')",
    "named": rf"{_NAME}{_SEPARATOR}{_NO_VALUE}|(?-i:PASSWORD(?='))",
    "parameter": r"[?&](?:sig|signature|key|code)=|\bcode=(?=[^&\s]{1,200}&)",
    "identified": r"\bidentified\s{1,5}(?:with\s{1,5}\S{1,80}\s{1,5})?(?:by|as)\s{1,5}(?=')",
    "encryption": r"\bpgp_sym_(?:en|de)crypt(?:_bytea)?\(|\bcrypt\((?=')",
    "option": r"--[\w.-]{0,60}(?:passw(?:or)?d|token|secret|passphrase|key)\s{1,5}(?=[^\s-])",
    "short_option": r"(?<=\s)(?:(?-i:-p)\s?|(?-i:-[uU])\s?|--(?:proxy-)?user[ =])(?=[^\s-])",
    "bearer": r"\bbearer\s{1,5}(?=\S)",
    "slack_token": r"(?<![a-z0-9])(?:xox[a-z]|xapp)[-.]",
    "vendor_token": r"(?<![\w-])(?:gh[pousr]_|github_pat_|glpat-)(?=\w)",
    "aws_key": r"(?<!\w)(?-i:(?:AKIA|ASIA)[A-Z0-9]{16})(?!\w)",
    "jwt": r"(?<![\w-])(?-i:eyJ)[\w-]{8}",
    "verifier": r"(?:SCRAM-SHA-\d{1,3}\$\d{1,9}:|(?<!\w)\$A\$\d{3}\$)(?=\S)",
    "md5": r"(?<!\w)md5[0-9a-f]{32}(?!\w)",
    "native_hash": r"(?-i:\*[0-9A-F]{40})(?!\w)",
    "hook": rf"(?:{_HOOKS})/|\bapi\.telegram\.org/bot",
    # libpq quotes what it cannot read of a connection string, which may be the password, or all of it.
    "libpq": (
        r"(?:missing \"=\" after|percent-encoded (?:token|value):|invalid integer value|invalid port number:|in URI:"
        r"|in URI \([^)\n]{0,40}\):|query parameter:|unexpected spaces found in) (?=\")"
    ),
    "host_name": r"host name \"",
    "pem": r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----",
    "pem_end": r"-----END [A-Z ]{0,30}PRIVATE KEY-----",
    "pgpass": r"(?m:^)(?:[^\s:\\]|\\.){1,255}:(?:\d{3,5}|\*):(?:[^\s:\\]|\\.){1,64}:(?:[^\s:\\]|\\.){1,64}:(?=\S)",
}
"""The pattern of each form; the readers of their values have these names."""
OPENER: Final = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in FORMS.items()), re.IGNORECASE)
