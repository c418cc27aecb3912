"""What every provider has: a cluster that it knows, identities that subjects may have, and credentials."""

import datetime
import secrets
import time

import jwt


class Verifier:
    """What a provider knows of the cluster: its issuer and its keys.

    `audience` takes the place of each that an identity allows, and `clock` is by how many seconds the provider's is ahead.
    """

    def __init__(self, issuer, keys, *, audience=None, clock=0):
        self.issuer = issuer
        self._keys = {key["kid"]: jwt.PyJWK(key).key for key in keys["keys"]}
        self._audience = audience
        self._clock = clock
        # The tokens that were presented.
        self.presented = set()

    def claims(self, token, audience):
        """The verified claims, or jwt.InvalidTokenError of the kind that says why not."""
        self.presented.add(token)
        key = self._keys.get(jwt.get_unverified_header(token).get("kid"))
        if key is None:
            raise jwt.InvalidSignatureError("the token's key is not known")
        claims = jwt.decode(
            token, key, algorithms=["RS256"], issuer=self.issuer, audience=self._audience or audience,
            options={
                "require": ["exp", "iat", "iss", "aud", "sub"], "verify_exp": False, "verify_iat": False,
                "verify_nbf": False,
            })
        now = time.time() + self._clock
        if claims["exp"] <= now:
            raise jwt.ExpiredSignatureError("Signature has expired")
        if claims["iat"] > now + 60:
            raise jwt.ImmatureSignatureError("The token is not yet valid")
        return claims


class Endpoint:
    """One provider. `trust` maps the identity that a workload asks for to the subjects that may have it.

    `keys` are stored keys that are known.
    """

    headers = {}

    def __init__(self, verifier, trust, keys=()):
        self.verifier = verifier
        self.trust = trust
        self._principals = dict.fromkeys(keys, "the stored key")

    def issue(self, principal, credential=None):
        """Makes a credential the principal's: this one, or one that means nothing by itself."""
        credential = credential or secrets.token_urlsafe(24)
        self._principals[credential] = principal
        return credential

    @property
    def credentials(self):
        """All that were issued, and the stored keys."""
        return set(self._principals)

    def called_by(self, credential):
        return f"called by {self._principals[credential]}"


def in_an_hour():
    return f"{datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
