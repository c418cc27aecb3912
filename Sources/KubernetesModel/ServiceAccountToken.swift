public import JSON

/// What a ServiceAccount's token says of itself. It is not verified: only who gave the token away knows that it is right.
public enum ServiceAccountToken {
    /// The `aud` claim, which is a text or a list of texts (RFC 7519 section 4.1.3). Empty for what is no such token.
    public static func audiences(of token: String) -> Set<String> {
        let audience = claims(of: token)?["aud"]
        return Set(audience?.string.map { [$0] } ?? (audience?.array ?? []).compactMap(\.string))
    }

    /// All that it says; `nil` for what is no such token.
    public static func claims(of token: String) -> JSONValue? {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let payload = Base64.decode(base64(parts[1])) else { return nil }
        return try? JSONValue(parsing: payload)
    }

    /// RFC 4648 section 5 has two digits of its own.
    private static func base64(_ text: Substring) -> String {
        String(text.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 })
    }
}
