"""Sign-in at an OpenID provider, by authlib: the authorization code flow with PKCE, state and nonce."""

from typing import Any, Final

from authlib.integrations.base_client import OAuthError
from authlib.integrations.starlette_client import OAuth
from httpx2 import HTTPError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from leadline.errors import UnreachableError, UsageError
from leadline.settings.web_console import WebConsoleSettings

CALLBACK: Final = "/sign-in/done"


class OidcSignIn:
    """One provider. Its configuration is read when somebody signs in."""

    def __init__(self, settings: WebConsoleSettings) -> None:
        oidc = settings.sign_in.oidc
        self._settings = oidc
        self._back = f"{settings.web.url}{CALLBACK}"
        assert oidc.issuer is not None
        assert oidc.client_secret is not None
        self._client: Any = OAuth().register(
            "provider",
            client_id=oidc.client_id,
            client_secret=oidc.client_secret.reveal(),
            server_metadata_url=f"{oidc.issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={"scope": oidc.scope, "code_challenge_method": "S256", "timeout": 10},
        )

    async def begin(self, request: Request) -> Response:
        """Send the browser to the provider. Raises UnreachableError."""
        try:
            sent: RedirectResponse = await self._client.authorize_redirect(request, self._back)
        except (HTTPError, OAuthError) as error:
            raise UnreachableError(f"the OpenID provider {self._settings.issuer} does not answer: {error}") from None
        return sent

    async def done(self, request: Request) -> tuple[str, list[str]]:
        """The name and the groups of somebody who comes back from the provider. Raises UsageError, UnreachableError."""
        try:
            token = await self._client.authorize_access_token(request)
        except OAuthError as error:
            raise UsageError(f"the sign-in failed: {error.description or error.error}; try again") from None
        except HTTPError as error:
            raise UnreachableError(f"the OpenID provider {self._settings.issuer} does not answer: {error}") from None
        claims: dict[str, Any] = dict(token.get("userinfo") or {})
        name = claims.get(self._settings.user_claim) or claims.get("sub")
        if not name:
            raise UsageError(f"the provider gave no claim {self._settings.user_claim}; see sign_in.oidc.user_claim")
        groups = claims.get(self._settings.groups_claim) or []
        return str(name), [str(each) for each in groups] if isinstance(groups, list) else [str(groups)]
