"""Slack's error codes, by the action that they call for.

Sources: docs.slack.dev/reference/methods/chat.postMessage and chat.update, and for incoming webhooks from
docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and Slack's changelog of 2016-05-17.
"""

from enum import Enum, auto
from typing import Final


class ErrorKind(Enum):
    """The action that an error calls for."""

    RATE = auto()
    """Wait as long as Slack says."""
    TRANSIENT = auto()
    """Try again later."""
    AUTH = auto()
    """An operator must fix the token or its scopes."""
    TARGET = auto()
    """An operator must fix the channel."""
    PAYLOAD = auto()
    """Send a shorter and simpler message."""
    METADATA = auto()
    """Send the message without metadata, which not every token may set."""
    GONE = auto()
    """The message can no longer be edited or replied to: post a new one."""
    UNKNOWN = auto()
    """Not in the lists: send a simpler message, then try again later."""


_LISTS: Final = {
    ErrorKind.RATE: "ratelimited rate_limited message_limit_exceeded",
    ErrorKind.TRANSIENT: (
        "fatal_error internal_error service_unavailable request_timeout team_added_to_org external_channel_migrating "
        "rollup_error"
    ),
    ErrorKind.AUTH: (
        "invalid_auth not_authed account_inactive token_revoked token_expired missing_scope not_allowed_token_type "
        "no_permission access_denied ekm_access_denied org_login_required enterprise_is_restricted "
        "two_factor_setup_required deprecated_endpoint method_deprecated as_user_not_supported "
        "accesslimited invalid_token action_prohibited no_service no_service_id no_team no_active_hooks user_not_found"
    ),
    ErrorKind.TARGET: (
        "channel_not_found not_in_channel is_archived restricted_action restricted_action_read_only_channel "
        "restricted_action_thread_only_channel restricted_action_non_threadable_channel "
        "restricted_action_thread_locked messages_tab_disabled is_inactive channel_is_archived "
        "posting_to_general_channel_denied team_not_found team_access_not_granted cannot_reply_to_message"
    ),
    ErrorKind.PAYLOAD: (
        "invalid_blocks invalid_blocks_format msg_blocks_too_long msg_too_long no_text too_many_attachments "
        "attachment_payload_limit_exceeded markdown_text_conflict invalid_attachments missing_file_data "
        "slack_connect_canvas_sharing_blocked slack_connect_lists_sharing_blocked "
        "invalid_payload invalid_arguments invalid_json json_not_object invalid_charset "
        "slack_connect_blocked_file_type slack_connect_file_link_sharing_blocked too_many_contact_cards "
        "invalid_arg_name invalid_array_arg invalid_form_data invalid_post_type missing_post_type "
        "cant_broadcast_message no_dual_broadcast_content_update"
    ),
    ErrorKind.METADATA: (
        "metadata_too_large metadata_must_be_sent_from_app invalid_metadata_format invalid_metadata_schema "
        "invalid_metadata"
    ),
    ErrorKind.GONE: (
        "message_not_found cant_update_message edit_window_closed block_mismatch streaming_state_conflict "
        "update_failed thread_not_found"
    ),
}
KINDS: Final = {code: kind for kind, codes in _LISTS.items() for code in codes.split()}
"""By code."""


def classify(code: str) -> ErrorKind:
    """The kind of an error code. A code of a known family (``invalid_blocks_…``) has the kind of the family."""
    if code in KINDS:
        return KINDS[code]
    for known in ("invalid_blocks", "invalid_metadata", "restricted_action"):
        if code.startswith(known):
            return KINDS.get(known, ErrorKind.PAYLOAD)
    return ErrorKind.UNKNOWN
