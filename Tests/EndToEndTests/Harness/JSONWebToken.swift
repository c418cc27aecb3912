import Foundation
import JSON

enum JSONWebToken {
    /// The claims of a token (RFC 7519), unverified: the API server has just signed it.
    static func claims(_ token: String) throws -> JSONValue {
        let parts = token.split(separator: ".")
        guard parts.count == 3 else { throw CommandFailure(description: "not a JSON Web Token") }
        var base64 = String(parts[1]).replacing("-", with: "+").replacing("_", with: "/")
        base64 += String(repeating: "=", count: (4 - base64.count % 4) % 4)
        guard let data = Data(base64Encoded: base64) else { throw CommandFailure(description: "not base64") }
        return try JSONValue(parsing: Array(data))
    }
}
