"""PostgreSQL's log sequence numbers (LSN), for the judgement: ``leadline.model.lsn`` is their home."""

from leadline.model.lsn import format_lsn, is_lsn, parse_lsn

__all__ = ["format_lsn", "is_lsn", "parse_lsn"]
