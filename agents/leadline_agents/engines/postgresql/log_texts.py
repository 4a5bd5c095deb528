"""Messages of a server log by their text, for servers whose log_line_prefix shows neither SQLSTATE nor process. Pure.

In English, German, French and Spanish, as the catalogs of PostgreSQL 15 translate them. Letters with accents are any
character: a server log may be in another encoding than it seems, or have question marks in their place.
"""

import re
from typing import Final

RECEIVER, WORKER = "walreceiver", "logical replication worker"

_TEXTS: Final = (
    (
        "08006",
        "",
        r"could not (?:connect to|receive data from|start WAL|send .* to) .*(?:primary|publisher|WAL|server)",
    ),
    (
        "08006",
        RECEIVER,
        r"konnte nicht mit dem Prim.{1,2}rserver verbinden|konnte keine Daten (?:vom|an den) WAL-Stream",
    ),
    (
        "08006",
        RECEIVER,
        r"n'a pas pu se connecter au serveur principal|n'a pas pu recevoir des donn.{1,2}es du flux de WAL",
    ),
    ("08006", RECEIVER, r"no se pudo conectar al servidor primario|no se pudo recibir datos desde el flujo de WAL"),
    (
        "08006",
        RECEIVER,
        r"konnte WAL-Streaming nicht starten|n'a pas pu d.{1,2}marrer l'envoi des WAL|iniciar el flujo de WAL",
    ),
    (
        "08006",
        WORKER,
        r"nicht mit dem Publikationsserver verbinden|se connecter au publieur|con el editor \(publisher\)",
    ),
    ("42501", "", r"permission denied for|row-level security"),
    ("42501", "", r"keine Berechtigung f.{1,2}r|droit refus.{1,2} pour|permiso denegado a"),
    ("0A000", "", r"cannot truncate a table referenced"),
    ("23514", "", r"no partition of relation|violates check constraint|violates partition constraint"),
    ("23505", "", r"duplicate key value violates unique"),
    ("23505", "", r"verletzt Unique-Constraint|rompt la contrainte unique|viola restricci.{1,2}n de unicidad"),
    ("23503", "", r"violates foreign key constraint"),
    ("23502", "", r"violates not-null constraint"),
    ("55000", "", r"missing replicated column|logical replication target relation .* (?:does not exist|is missing)"),
    ("53300", "", r"exceeds .?max_wal_senders|too many clients|connection slots are reserved"),
    (
        "53300",
        "",
        r"(?:berschreitet|d.{1,2}passe|excede) .?max_wal_senders|zu viele Verb|trop de clients|demasiados",
    ),
    ("28P01", "", r"password authentication failed"),
    (
        "28P01",
        "",
        r"Passwort-Authentifizierung .* fehlgeschlagen|authentification par mot de passe .{1,2}chou|password fall",
    ),
    ("28000", "", r"no pg_hba\.conf entry|pg_hba\.conf rejects"),
    (
        "28000",
        "",
        r"kein pg_hba\.conf-Eintrag|aucune entr.{1,2}e dans pg_hba\.conf|no hay una l.{1,2}nea en pg_hba\.conf",
    ),
    ("28000", "", r"pg_hba\.conf (?:lehnt|rejette|rechaza)"),
    ("58P01", "", r"requested WAL segment \S+ has already been removed"),
    ("58P01", "", r"WAL-Segment \S+ wurde schon entfernt|segment demand.{1,2} .*supprim|segmento de WAL solicitado"),
    ("42704", "", r"replication slot .* does not exist"),
    (
        "42704",
        "",
        r"Replikations-Slot .* existiert nicht|slot de r.{1,2}plication .* n'existe pas|no existe el slot de",
    ),
    ("57P01", "", r"terminating (?:walreceiver|logical replication)"),
    ("53100", "", r"No space left on device"),
)
_BY_TEXT = [(code, process, re.compile(pattern)) for code, process, pattern in _TEXTS]


def recognized(message: str) -> tuple[str, str]:
    """SQLSTATE and process of a message; empty where the text does not show them."""
    return next(((code, process) for code, process, pattern in _BY_TEXT if pattern.search(message)), ("", ""))
