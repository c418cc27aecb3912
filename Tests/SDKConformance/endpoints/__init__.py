"""What stands for the providers: token exchanges that verify as they do, and models that say who called them.

An exchange checks the token's signature with the keys that the API server publishes, its issuer, audience and lifetime,
and that the identity which is asked for trusts this subject. It answers, also when it refuses, in the format that the
provider documents. A model answers `called by PRINCIPAL`, as it knows from the credential that the exchange has issued,
so that an application's output proves which identity it had.
"""
