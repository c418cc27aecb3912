/// Why there is nothing to explain. The message says what to write.
public struct ExplanationError: Error, Hashable, CustomStringConvertible {
    public let description: String

    /// - Parameter meant: what was likely meant, if that is known.
    static func unknown(
        _ name: String, isNot what: String, meant: String?, among names: [String]
    ) -> ExplanationError {
        let advice =
            meant.map { "did you mean \($0)?" }
            ?? "write one of \(names.joined(separator: ", "))"
        return ExplanationError(description: "\(name.shortened) is not \(what); \(advice)")
    }

    static func unusable(_ value: String, as what: String) -> ExplanationError {
        ExplanationError(description: "\"\(value.shortened)\" is not usable as \(what)")
    }

    static func asksForNothing(
        _ subject: Subject, _ providers: [Provider], _ remarks: [String]
    ) -> ExplanationError {
        let names = providers.map(\.name.rawValue).joined(separator: ", ")
        let why = remarks.isEmpty ? "" : " (\(remarks.joined(separator: "; ")))"
        return ExplanationError(
            description: "\(subject) asks for no provider\(why); name the one to explain, one of \(names)")
    }
}
